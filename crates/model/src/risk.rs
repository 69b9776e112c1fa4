//! How much a finding matters, as one number from 0 to 100: severity, exploitation, exposure and whether it can be mended.
//! `docs/risk.md` tells the formula; each part alone never lowers the number as it gets worse.

use std::cmp::{Ordering, Reverse};

use serde::{Deserialize, Serialize};

use crate::finding::{Exploitation, Finding, FindingKind, Vulnerability};
use crate::inventory::Origin;
use crate::reachability::Reach;
use crate::scan::Scan;
use crate::severity::Severity;

/// What a risk is made of. The parts are tenths of a point, so that no rounding hides in them.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Risk {
    /// The sum of the parts by the factor, rounded: 0 to 100.
    pub score: u8,
    /// How bad it is: up to 400.
    pub severity: u16,
    /// Whether it is exploited: up to 300.
    pub exploitation: u16,
    /// Whether it can be got at: up to 200.
    pub exposure: u16,
    /// Whether there is something to do about it: up to 100.
    pub fix: u16,
    /// What is left of the sum, in percent: less where the code is absent or does not run.
    pub factor: u16,
}

/// What a risk is computed from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Inputs {
    /// How bad it is.
    pub severity: Severity,
    /// The highest CVSS base score, if there is one; it counts within the severity's band.
    pub cvss: Option<f64>,
    /// Whether it is known to be exploited, or meant to do harm.
    pub is_exploited: bool,
    /// Whether exploits are known.
    pub exploits: Option<Exploitation>,
    /// The probability of exploitation within thirty days.
    pub epss: Option<f64>,
    /// Where an attacker must be.
    pub vector: Vector,
    /// Whether its code is there.
    pub reach: Reach,
    /// Whether it is the application's or the base's.
    pub origin: Origin,
    /// Whether it can be mended.
    pub is_fixable: bool,
    /// Whether it may be in code that runs.
    pub is_running: bool,
    /// Whether an upper layer hides it.
    pub is_shadowed: bool,
}

/// Where an attacker must be, as CVSS tells it; the worst last.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Vector {
    /// At the machine.
    Physical,
    /// On the machine.
    Local,
    /// Nobody tells.
    Unknown,
    /// In the same network.
    Adjacent,
    /// Anywhere.
    Network,
}

impl Vector {
    /// That of the worst of some CVSS vectors.
    #[must_use]
    pub fn of(found: &Vulnerability) -> Self {
        let of = |vector: &str| {
            vector.split('/').find_map(|part| match part {
                "AV:N" => Some(Self::Network),
                "AV:A" => Some(Self::Adjacent),
                "AV:L" => Some(Self::Local),
                "AV:P" => Some(Self::Physical),
                _ => None,
            })
        };
        found.cvss.iter().filter_map(|cvss| of(&cvss.vector)).max().unwrap_or(Self::Unknown)
    }
}

impl Inputs {
    /// Those of a finding of `scan`.
    #[must_use]
    pub fn of(finding: &Finding, scan: &Scan) -> Self {
        let mut inputs = Self {
            severity: finding.severity,
            cvss: None,
            is_exploited: false,
            exploits: None,
            epss: None,
            vector: Vector::Unknown,
            reach: Reach::Unknown,
            origin: origin(finding, scan),
            is_fixable: finding.is_fixable(),
            is_running: finding.is_in_running_code(),
            is_shadowed: false,
        };
        match &finding.kind {
            FindingKind::Vulnerability(found) => inputs.add(found),
            FindingKind::Secret { shadowed, .. } => {
                // Who has the image has the secret, and needs nothing else.
                inputs.exploits = Some(Exploitation::Poc);
                inputs.vector = Vector::Network;
                inputs.is_shadowed = *shadowed;
            }
            // A licence lets nobody in.
            FindingKind::License { .. } => inputs.is_running = false,
            FindingKind::Misconfiguration { .. } | FindingKind::EndOfLife { .. } => {}
        }
        inputs
    }

    fn add(&mut self, found: &Vulnerability) {
        self.cvss = found.cvss.iter().filter_map(|cvss| cvss.score).max_by(f64::total_cmp);
        self.is_exploited = found.known_exploited.is_some() || found.malicious;
        self.exploits = found.ssvc.and_then(|ssvc| ssvc.exploitation);
        self.epss = found.epss.map(|epss| epss.probability);
        self.vector = Vector::of(found);
        if let Some(reachability) = &found.reachability {
            self.reach = reachability.state;
        }
    }
}

/// Of a package where it is from; else of the worst place.
fn origin(finding: &Finding, scan: &Scan) -> Origin {
    let package = match &finding.kind {
        FindingKind::Vulnerability(found) => Some(found.package),
        FindingKind::License { package, .. } => Some(*package),
        _ => None,
    };
    if let Some(installed) = package.and_then(|index| scan.inventory.packages.get(index as usize)) {
        return installed.origin;
    }
    let mut origins = finding.locations.iter().filter_map(|place| scan.layers.get(place.layer as usize));
    let first = origins.next().map_or(Origin::Unknown, |layer| layer.origin);
    if origins.all(|layer| layer.origin == first) { first } else { Origin::Application }
}

impl Risk {
    /// That of a finding of `scan`.
    #[must_use]
    pub fn of(finding: &Finding, scan: &Scan) -> Self {
        Self::new(&Inputs::of(finding, scan))
    }

    /// Computes it.
    #[must_use]
    pub fn new(inputs: &Inputs) -> Self {
        let severity = severity(inputs);
        let exploitation = exploitation(inputs);
        let exposure = exposure(inputs);
        let fix = if inputs.is_fixable { 100 } else { 0 };
        let factor = match (inputs.is_running, inputs.reach) {
            (false, _) => 10,
            (true, Reach::Absent) => 25,
            (true, Reach::Unknown | Reach::Present | Reach::Reachable) => 100,
        };
        // At most 1000 tenths by 100 percent.
        let sum = u32::from(severity) + u32::from(exploitation) + u32::from(exposure) + u32::from(fix);
        let score = (sum * u32::from(factor) + 500) / 1000;
        Self {
            score: u8::try_from(score.min(100)).unwrap_or(100),
            severity,
            exploitation,
            exposure,
            fix,
            factor,
        }
    }
}

/// Four points for each of CVSS, which the severity bounds: a distribution knows how it built the package.
fn severity(inputs: &Inputs) -> u16 {
    let (low, middle, high) = match inputs.severity {
        Severity::Critical => (9.0, 9.4, 10.0),
        Severity::High => (7.0, 7.9, 8.9),
        Severity::Medium => (4.0, 5.4, 6.9),
        Severity::Low => (0.1, 2.0, 3.9),
        Severity::Negligible => (0.0, 0.0, 0.0),
        Severity::Unknown => return 0,
    };
    let score: f64 = inputs.cvss.filter(|score| score.is_finite()).unwrap_or(middle);
    tenths(score.clamp(low, high) * 40.0, 400)
}

fn exploitation(inputs: &Inputs) -> u16 {
    if inputs.is_exploited {
        return 300;
    }
    let known = match inputs.exploits {
        Some(Exploitation::Active) => 270,
        Some(Exploitation::Poc) => 100,
        Some(Exploitation::None) | None => 0,
    };
    let probability = inputs.epss.filter(|probability| probability.is_finite()).unwrap_or(0.0);
    // The root, because most probabilities are small and differ by powers of ten.
    known.max(tenths(probability.clamp(0.0, 1.0).sqrt() * 250.0, 250))
}

fn exposure(inputs: &Inputs) -> u16 {
    let vector = match inputs.vector {
        Vector::Physical => 0,
        Vector::Local => 20,
        Vector::Unknown => 40,
        Vector::Adjacent => 50,
        Vector::Network => 80,
    };
    let reach = match inputs.reach {
        Reach::Absent => 0,
        Reach::Unknown => 50,
        Reach::Present => 60,
        Reach::Reachable => 80,
    };
    let origin = match inputs.origin {
        Origin::Base => 20,
        Origin::Unknown => 30,
        Origin::Application => 40,
    };
    let sum: u16 = vector + reach + origin;
    // It needs whoever unpacks the layers, not whoever runs the container.
    if inputs.is_shadowed { sum / 2 } else { sum }
}

/// A number of tenths, `most` at most.
fn tenths(value: f64, most: u16) -> u16 {
    let value = value.round().clamp(0.0, f64::from(most));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and `most`")]
    let tenths = value as u16;
    tenths
}

/// The order of findings by risk, the greatest first: of equals the severer, then by id, by place, and as the scan has
/// them, so that no two are equal.
#[must_use]
pub fn by_risk(scan: &Scan) -> Vec<(usize, Risk)> {
    let mut all: Vec<(usize, Risk)> =
        scan.findings.iter().enumerate().map(|(index, finding)| (index, Risk::of(finding, scan))).collect();
    all.sort_by(|(a, risk_a), (b, risk_b)| {
        let order = Reverse(risk_a.score).cmp(&Reverse(risk_b.score));
        let (Some(first), Some(second)) = (scan.findings.get(*a), scan.findings.get(*b)) else {
            return order;
        };
        order.then_with(|| compare(first, second)).then_with(|| a.cmp(b))
    });
    all
}

fn compare(a: &Finding, b: &Finding) -> Ordering {
    b.severity.cmp(&a.severity).then_with(|| a.id.cmp(&b.id)).then_with(|| a.locations.cmp(&b.locations))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: Inputs = Inputs {
        severity: Severity::Unknown,
        cvss: None,
        is_exploited: false,
        exploits: None,
        epss: None,
        vector: Vector::Physical,
        reach: Reach::Absent,
        origin: Origin::Base,
        is_fixable: false,
        is_running: false,
        is_shadowed: true,
    };

    type Step = fn(Inputs) -> Inputs;

    /// Some of each part, from the mildest to the worst.
    fn steps() -> Vec<Vec<Step>> {
        macro_rules! steps {
            ($field:ident: $($value:expr),+) => { vec![$((|inputs| Inputs { $field: $value, ..inputs }) as fn(Inputs) -> Inputs),+] };
        }
        vec![
            steps!(severity: Severity::Unknown, Severity::Negligible, Severity::Low, Severity::Medium, Severity::High, Severity::Critical),
            steps!(cvss: Some(0.0), Some(3.0), Some(6.5), Some(8.1), Some(9.8), Some(10.0)),
            steps!(exploits: None, Some(Exploitation::None), Some(Exploitation::Poc), Some(Exploitation::Active)),
            steps!(epss: None, Some(0.0), Some(0.001), Some(0.1), Some(0.94), Some(1.0)),
            steps!(is_exploited: false, true),
            steps!(vector: Vector::Physical, Vector::Local, Vector::Unknown, Vector::Adjacent, Vector::Network),
            steps!(reach: Reach::Absent, Reach::Unknown, Reach::Present, Reach::Reachable),
            steps!(origin: Origin::Base, Origin::Unknown, Origin::Application),
            steps!(is_fixable: false, true),
            steps!(is_running: false, true),
            steps!(is_shadowed: true, false),
        ]
    }

    #[test]
    fn nothing_that_gets_worse_lowers_it() {
        let steps = steps();
        let mut seed: u64 = 7;
        let mut random = |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(seed >> 33).unwrap() % below
        };
        for _ in 0..2000 {
            let start = steps.iter().fold(LEAST, |inputs, part| part[random(part.len())](inputs));
            for part in &steps {
                let scores: Vec<u8> = part.iter().map(|step| Risk::new(&step(start)).score).collect();
                assert!(scores.is_sorted(), "{start:?}: {scores:?}");
            }
        }
    }

    #[test]
    fn the_ends_are_zero_and_hundred() {
        let most = steps().iter().fold(LEAST, |inputs, part| part[part.len() - 1](inputs));
        assert_eq!(Risk::new(&most).score, 100);
        assert_eq!(Risk::new(&LEAST).score, 0);
        let odd = Inputs { cvss: Some(f64::NAN), epss: Some(f64::INFINITY), ..most };
        assert!(Risk::new(&odd).score <= 100);
    }

    #[test]
    fn the_examples_of_the_page_hold() {
        let usual = Inputs {
            severity: Severity::Critical,
            cvss: Some(9.8),
            vector: Vector::Network,
            reach: Reach::Unknown,
            origin: Origin::Base,
            is_fixable: true,
            is_running: true,
            is_shadowed: false,
            ..LEAST
        };
        assert_eq!(Risk::new(&usual).score, 64);
        assert_eq!(Risk::new(&Inputs { is_exploited: true, ..usual }).score, 94);
        assert_eq!(Risk::new(&Inputs { epss: Some(0.25), ..usual }).score, 77);
        assert_eq!(Risk::new(&Inputs { is_running: false, ..usual }).score, 6);
        assert_eq!(Risk::new(&Inputs { reach: Reach::Absent, ..usual }).score, 15);
        assert_eq!(Risk::new(&Inputs { is_fixable: false, ..usual }).score, 54);
    }
}
