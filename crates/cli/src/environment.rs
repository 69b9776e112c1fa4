//! Everything that comes from the process's surroundings: environment variables, home, clock, terminal.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::SystemTime;

use anyhow::Context;
use jiff::Timestamp;
use jiff::civil::Date;
use plimsoll_image::source::registry::{ProxySettings, Secret};
use plimsoll_report::Style;
use zeroize::Zeroizing;

use crate::args::ColorChoice;

/// Never behind a proxy.
const LOOPBACK: &str = "localhost,127.0.0.0/8,::1";

/// The system for continuous integration that it runs in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Pipeline {
    /// GitHub's, and the file that the job's summary goes to.
    GitHub {
        /// `GITHUB_STEP_SUMMARY`.
        summary: Option<PathBuf>,
    },
    /// GitLab's.
    GitLab,
    /// Another one, by the variable that tells it.
    Other(&'static str),
}

/// The surroundings, read once.
#[derive(Clone, Debug)]
pub(crate) struct Environment {
    variables: BTreeMap<OsString, OsString>,
    /// The time.
    pub(crate) now: SystemTime,
}

impl Environment {
    /// Reads them.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads environment and clock")]
    pub(crate) fn read() -> Self {
        Self { variables: std::env::vars_os().collect(), now: SystemTime::now() }
    }

    /// All variables, for credential helpers.
    pub(crate) fn variables(&self) -> BTreeMap<OsString, OsString> {
        self.variables.clone()
    }

    /// The system for continuous integration that it runs in, if it is one.
    pub(crate) fn pipeline(&self) -> Option<Pipeline> {
        if self.variable("GITHUB_ACTIONS").is_some() {
            return Some(Pipeline::GitHub {
                summary: self.variable("GITHUB_STEP_SUMMARY").map(PathBuf::from),
            });
        }
        if self.variable("GITLAB_CI").is_some() {
            return Some(Pipeline::GitLab);
        }
        let others = ["JENKINS_URL", "TF_BUILD", "CIRCLECI", "BUILDKITE", "CI"];
        others.into_iter().find(|name| self.variable(name).is_some()).map(Pipeline::Other)
    }

    fn variable(&self, name: &str) -> Option<&OsString> {
        self.variables.get(&OsString::from(name)).filter(|value| !value.is_empty())
    }

    /// A variable that is text and not empty.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.variable(name).and_then(|value| value.to_str()).map(str::to_owned)
    }

    /// The password of private keys; one that is set and empty is the empty one.
    pub(crate) fn password(&self) -> Option<Zeroizing<Vec<u8>>> {
        self.secret(["PLIMSOLL_PASSWORD", "COSIGN_PASSWORD"])
    }

    /// The PIN of tokens and of keys in TPMs; one that is set and empty is the empty one.
    pub(crate) fn pin(&self) -> Option<Zeroizing<Vec<u8>>> {
        self.secret(["PLIMSOLL_PIN", "COSIGN_PKCS11_PIN"])
    }

    fn secret(&self, names: [&str; 2]) -> Option<Zeroizing<Vec<u8>>> {
        let value = names.iter().find_map(|name| self.variables.get(&OsString::from(name)))?;
        Some(Zeroizing::new(value.as_encoded_bytes().to_vec()))
    }

    /// The proxies that the usual variables name. `HTTP_PROXY` in capitals is not read, as elsewhere: in a CGI
    /// program it would be the client's to set (<https://httpoxy.org>). This machine itself is always reached directly.
    pub(crate) fn proxies(&self) -> ProxySettings {
        let text = |names: &[&str]| {
            names.iter().find_map(|name| self.variable(name)).map(|value| value.to_string_lossy())
        };
        let secret = |names: &[&str]| text(names).map(Secret::new);
        ProxySettings {
            http: secret(&["http_proxy"]),
            https: secret(&["https_proxy", "HTTPS_PROXY"]),
            no_proxy: Some(format!("{LOOPBACK},{}", text(&["no_proxy", "NO_PROXY"]).unwrap_or_default())),
        }
    }

    /// The day of the scan: that of `SOURCE_DATE_EPOCH` if it is set
    /// (<https://reproducible-builds.org/specs/source-date-epoch/>), else today in UTC.
    pub(crate) fn today(&self) -> anyhow::Result<Date> {
        Ok(self.moment()?.to_zoned_datetime(jiff::tz::TimeZone::UTC).date())
    }

    /// The time that documents are to be of: `SOURCE_DATE_EPOCH` if it is set, else now.
    pub(crate) fn moment(&self) -> anyhow::Result<Timestamp> {
        self.source_date()?.map_or_else(|| self.timestamp(), Ok)
    }

    /// `SOURCE_DATE_EPOCH`, if it is set.
    pub(crate) fn source_date(&self) -> anyhow::Result<Option<Timestamp>> {
        let Some(value) = self.variable("SOURCE_DATE_EPOCH") else { return Ok(None) };
        let text = value.to_string_lossy();
        let seconds: i64 = text
            .parse()
            .with_context(|| format!("SOURCE_DATE_EPOCH is {text:?}, not a number of seconds"))?;
        Timestamp::from_second(seconds).context("SOURCE_DATE_EPOCH").map(Some)
    }

    /// What the clock says now, for what others confirmed since we began.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads environment and clock")]
    pub(crate) fn clock() -> Timestamp {
        // Before all times, nothing that anybody confirms is believed.
        Timestamp::try_from(SystemTime::now()).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// The time.
    pub(crate) fn timestamp(&self) -> anyhow::Result<Timestamp> {
        Timestamp::try_from(self.now).context("the clock")
    }

    /// Plimsoll's cache directory (<https://specifications.freedesktop.org/basedir-spec/latest/>).
    pub(crate) fn cache_directory(&self) -> Option<PathBuf> {
        self.base("XDG_CACHE_HOME", ".cache").map(|base| base.join("plimsoll"))
    }

    /// Where Plimsoll keeps what it cannot make again.
    pub(crate) fn data_directory(&self) -> Option<PathBuf> {
        self.base("XDG_DATA_HOME", ".local/share").map(|base| base.join("plimsoll"))
    }

    /// Plimsoll's configuration file.
    pub(crate) fn config_file(&self) -> Option<PathBuf> {
        self.base("XDG_CONFIG_HOME", ".config").map(|base| base.join("plimsoll/config.toml"))
    }

    /// The directory of temporary files.
    pub(crate) fn temporary(&self) -> PathBuf {
        self.variable("TMPDIR").map_or_else(|| PathBuf::from("/tmp"), PathBuf::from)
    }

    /// The user's home.
    pub(crate) fn home(&self) -> Option<PathBuf> {
        self.variable("HOME").map(PathBuf::from)
    }

    fn base(&self, variable: &str, in_home: &str) -> Option<PathBuf> {
        let explicit = self.variable(variable).map(PathBuf::from).filter(|path| path.is_absolute());
        explicit.or_else(|| self.home().map(|home| home.join(in_home)))
    }

    /// How a report on standard output may look.
    pub(crate) fn style(&self, choice: ColorChoice) -> Style {
        let terminal = std::io::stdout().is_terminal();
        let color = match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            // https://no-color.org
            ColorChoice::Auto => {
                terminal
                    && self.variable("NO_COLOR").is_none()
                    && self.variable("TERM").is_none_or(|t| t != "dumb")
            }
        };
        let width = if terminal {
            rustix::termios::tcgetwinsize(std::io::stdout()).ok().map(|size| size.ws_col)
        } else {
            None
        };
        Style { color, width: width.filter(|columns| *columns > 0) }
    }

    /// How many cores there are.
    pub(crate) fn cores() -> usize {
        std::thread::available_parallelism().map_or(1, usize::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_those_of_the_usual_variables() {
        let of = |pairs: &[(&str, &str)]| {
            let variables =
                pairs.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))).collect();
            Environment { variables, now: SystemTime::UNIX_EPOCH }.proxies()
        };
        assert_eq!((of(&[]).http, of(&[]).https), (None, None));
        assert_eq!(of(&[("HTTP_PROXY", "http://evil")]).http, None);
        assert_eq!(of(&[("https_proxy", "")]).https, None);
        let proxies =
            of(&[("https_proxy", "http://p:1"), ("HTTPS_PROXY", "http://q:1"), ("NO_PROXY", "corp")]);
        assert_eq!(proxies.https, Some(Secret::new("http://p:1")));
        assert_eq!(proxies.no_proxy.as_deref(), Some("localhost,127.0.0.0/8,::1,corp"));
    }
}
