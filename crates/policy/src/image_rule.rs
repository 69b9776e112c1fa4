//! Rules on the image as a whole: `image:` in place of `match:`. Each selector holds, does not hold, or is not known; a
//! rule of which one selector does not hold is for another image, else it is undecided where one is not known.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::comparison::{CountTest, SizeTest};
use crate::condition::{ImageCondition, Scene};
use crate::facts::ImageFacts;
use crate::glob::Glob;
use crate::shape::{AnyOf, given};
use crate::time::{Days, day_of, later};

/// Which images a rule is for: all that are given must hold; of a list, one.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(extend("minProperties" = 1))]
pub(crate) struct ImageSelectors {
    /// It was made longer ago than this: 90d.
    #[serde(default, deserialize_with = "given")]
    pub(crate) older_than: Option<Days>,
    /// The newest data of the advisory database is older than this: 7d.
    #[serde(default, deserialize_with = "given")]
    pub(crate) database_older_than: Option<Days>,
    /// The tag it was asked for by, with stars. None fits an image that was asked for by digest only.
    #[serde(default, deserialize_with = "given")]
    pub(crate) tag: Option<AnyOf<Glob>>,
    /// Whether it was asked for by digest.
    #[serde(default, deserialize_with = "given")]
    pub(crate) pinned: Option<bool>,
    /// The name of its base without tag, with stars: docker.io/library/debian. None fits an image without known base.
    #[serde(default, deserialize_with = "given")]
    pub(crate) base: Option<AnyOf<Glob>>,
    /// Whether its base is among the known images.
    #[serde(default, deserialize_with = "given")]
    pub(crate) base_known: Option<bool>,
    /// Whether no newer image of its base's name is known.
    #[serde(default, deserialize_with = "given")]
    pub(crate) base_current: Option<bool>,
    /// Whether a bill of materials lies with it.
    #[serde(default, deserialize_with = "given")]
    pub(crate) sbom: Option<bool>,
    /// The size of its layers as they are stored: >500MB.
    #[serde(default, deserialize_with = "given")]
    pub(crate) size: Option<SizeTest>,
    /// How many layers it has: >50.
    #[serde(default, deserialize_with = "given")]
    pub(crate) layers: Option<CountTest>,
    /// A condition in CEL on `image`, `environment` and `now`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) when: Option<ImageCondition>,
}

/// What selectors say of an image.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Seen {
    /// What was seen, in words.
    pub(crate) seen: Vec<String>,
    /// What is not known, in words.
    pub(crate) unknown: Vec<String>,
}

/// Whether one selector holds: with what was seen, or why it is not known.
enum Holds {
    Yes(String),
    No,
    Unknown(String),
}

impl Holds {
    fn of(holds: bool, seen: impl FnOnce() -> String) -> Self {
        if holds { Self::Yes(seen()) } else { Self::No }
    }

    /// The answer of what is known, else that it is not.
    fn known<T>(known: Option<T>, what: &str, holds: impl FnOnce(T) -> Self) -> Self {
        known.map_or_else(|| Self::Unknown(format!("{what} is not known")), holds)
    }
}

impl ImageSelectors {
    /// Tells whether nothing is given.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What they say of the image; none if they are for another one.
    pub(crate) fn fit(&self, image: &ImageFacts, scene: &Scene<'_>, today: Date) -> Option<Seen> {
        let parts = [
            self.older_than.map(|days| older_than(image, days, today)),
            self.database_older_than.map(|days| database_older_than(image, days, today)),
            self.tag.as_ref().map(|globs| tag(image, globs)),
            self.pinned.map(|wanted| pinned(image, wanted)),
            self.base.as_ref().map(|globs| base(image, globs)),
            self.base_known.map(|wanted| base_known(image, wanted)),
            self.base_current.map(|wanted| base_current(image, wanted)),
            self.sbom.map(|wanted| sbom(image, wanted)),
            self.size.as_ref().map(|test| {
                Holds::known(image.size, "the size of its layers", |size| {
                    Holds::of(test.holds(size), || format!("its layers have {size} bytes"))
                })
            }),
            self.layers.map(|test| {
                Holds::known(image.layers, "the number of its layers", |count| {
                    Holds::of(test.holds(count), || format!("it has {count} layers"))
                })
            }),
            self.when.as_ref().map(|condition| match scene.holds(&condition.0, None) {
                Ok(holds) => Holds::of(holds, || condition.0.as_str().to_owned()),
                Err(reason) => Holds::Unknown(format!("the condition could not be evaluated: {reason}")),
            }),
        ];
        let mut seen = Seen::default();
        for part in parts.into_iter().flatten() {
            match part {
                Holds::Yes(what) => seen.seen.push(what),
                Holds::No => return None,
                Holds::Unknown(what) => seen.unknown.push(what),
            }
        }
        Some(seen)
    }
}

fn older_than(image: &ImageFacts, days: Days, today: Date) -> Holds {
    Holds::known(image.created, "when it was made", |created| {
        let made = day_of(created);
        Holds::of(later(made, days) < today, || format!("it was made on {made}"))
    })
}

fn database_older_than(image: &ImageFacts, days: Days, today: Date) -> Holds {
    Holds::known(image.database, "the day of the advisory database", |day| {
        Holds::of(later(day, days) < today, || format!("the newest advisory is of {day}"))
    })
}

fn tag(image: &ImageFacts, globs: &AnyOf<Glob>) -> Holds {
    Holds::known(image.tag.as_ref(), "its tag", |tag| {
        let fitting = tag.as_ref().filter(|tag| globs.any(|glob| glob.fits(tag)));
        fitting.map_or(Holds::No, |tag| Holds::Yes(format!("it was asked for by the tag {tag}")))
    })
}

fn pinned(image: &ImageFacts, wanted: bool) -> Holds {
    Holds::known(image.pinned, "how it was asked for", |is_pinned| {
        let how = if is_pinned { "by digest" } else { "without a digest" };
        Holds::of(is_pinned == wanted, || format!("it was asked for {how}"))
    })
}

/// Where no image is known as its base, its name is not known either.
fn base(image: &ImageFacts, globs: &AnyOf<Glob>) -> Holds {
    let known = image.base.as_ref().filter(|base| !base.names.is_empty());
    Holds::known(known, "its base", |base| {
        let fitting = base.names.iter().find(|name| globs.any(|glob| glob.fits(name)));
        fitting.map_or(Holds::No, |name| Holds::Yes(format!("it is based on {name}")))
    })
}

fn base_known(image: &ImageFacts, wanted: bool) -> Holds {
    Holds::known(image.base.as_ref(), "whether its base is among the known images", |base| {
        let is_known = !base.names.is_empty();
        let names = || {
            if is_known {
                format!("it is based on {}", base.names.join(", "))
            } else {
                "no known image is its base".to_owned()
            }
        };
        Holds::of(is_known == wanted, names)
    })
}

fn base_current(image: &ImageFacts, wanted: bool) -> Holds {
    let known = image.base.as_ref().and_then(|base| base.current);
    Holds::known(known, "whether there is a newer base", |is_current| {
        let how = if is_current { "the newest known" } else { "not the newest known" };
        Holds::of(is_current == wanted, || format!("its base is {how} of its name"))
    })
}

fn sbom(image: &ImageFacts, wanted: bool) -> Holds {
    Holds::known(image.sbom, "whether a bill of materials lies with it", |has| {
        let how = if has { "a" } else { "no" };
        Holds::of(has == wanted, || format!("{how} bill of materials lies with it"))
    })
}
