//! What to do about a vulnerability by SSVC: the tree that CISA publishes for deployers of software
//! (<https://www.cisa.gov/sites/default/files/publications/cisa-ssvc-guide%20508c.pdf>), and where its inputs are from.

use plimsoll_model::finding::{Exploitation, Finding, FindingKind, TechnicalImpact, Vulnerability};
use plimsoll_model::plan::{Assessment, InputBasis, Mission, SsvcDecision};

use SsvcDecision::{Act, Attend, Track, TrackStar};

/// The tree: exploitation, then automatable, then technical impact, then mission from low to high.
const TREE: [[[[SsvcDecision; 3]; 2]; 2]; 3] = [
    [[[Track, Track, Track], [Track, Track, TrackStar]], [[Track, Track, Attend], [Track, Track, Attend]]],
    [
        [[Track, Track, TrackStar], [Track, TrackStar, Attend]],
        [[Track, Track, Attend], [Track, TrackStar, Attend]],
    ],
    [[[Track, Track, Attend], [Track, Attend, Act]], [[Attend, Attend, Act], [Attend, Act, Act]]],
];

/// Decides what to do about `finding` in an image of this mission. A finding that is no vulnerability is taken for one
/// that only the mission decides.
#[must_use]
pub fn assess(finding: &Finding, mission: Mission) -> Assessment {
    let inputs = match &finding.kind {
        FindingKind::Vulnerability(found) => inputs(found),
        // A secret in an image can be taken and used by whoever has the image, by a script, too.
        FindingKind::Secret { .. } => Inputs {
            exploitation: (Exploitation::Poc, InputBasis::Assumed),
            automatable: (true, InputBasis::Assumed),
            technical_impact: (TechnicalImpact::Total, InputBasis::Assumed),
        },
        FindingKind::Misconfiguration { .. }
        | FindingKind::EndOfLife { .. }
        | FindingKind::License { .. } => NOTHING,
    };
    let Inputs { exploitation, automatable, technical_impact } = inputs;
    Assessment {
        decision: decide(exploitation.0, automatable.0, technical_impact.0, mission),
        exploitation,
        automatable,
        technical_impact,
        mission,
    }
}

struct Inputs {
    exploitation: (Exploitation, InputBasis),
    automatable: (bool, InputBasis),
    technical_impact: (TechnicalImpact, InputBasis),
}

const NOTHING: Inputs = Inputs {
    exploitation: (Exploitation::None, InputBasis::Assumed),
    automatable: (false, InputBasis::Assumed),
    technical_impact: (TechnicalImpact::Partial, InputBasis::Assumed),
};

fn decide(
    exploitation: Exploitation,
    automatable: bool,
    impact: TechnicalImpact,
    mission: Mission,
) -> SsvcDecision {
    let row = match exploitation {
        Exploitation::None => 0,
        Exploitation::Poc => 1,
        Exploitation::Active => 2,
    };
    let column = match impact {
        TechnicalImpact::Partial => 0,
        TechnicalImpact::Total => 1,
    };
    let last = match mission {
        Mission::Low => 0,
        Mission::Medium => 1,
        Mission::High => 2,
    };
    let found = TREE.get(row).and_then(|tree| tree.get(usize::from(automatable))?.get(column)?.get(last));
    found.copied().unwrap_or(Act)
}

fn inputs(found: &Vulnerability) -> Inputs {
    let cisa = found.ssvc.unwrap_or_default();
    let exploitation = if found.known_exploited.is_some() || found.malicious {
        (Exploitation::Active, InputBasis::KnownExploited)
    } else {
        cisa.exploitation.map_or((Exploitation::None, InputBasis::Assumed), |told| (told, InputBasis::Cisa))
    };
    let vector = found.cvss.iter().max_by(|a, b| a.score.unwrap_or(0.0).total_cmp(&b.score.unwrap_or(0.0)));
    let has = |parts: &[&str]| {
        vector.map(|cvss| parts.iter().all(|part| cvss.vector.split('/').any(|other| other == *part)))
    };
    // Reachable from anywhere, without a login and without a person's help.
    let alone = has(&["AV:N", "AC:L", "PR:N", "UI:N"]);
    let total = has(&["C:H", "I:H", "A:H"]).zip(has(&["VC:H", "VI:H", "VA:H"])).map(|(old, new)| old || new);
    let impact = |is_total| if is_total { TechnicalImpact::Total } else { TechnicalImpact::Partial };
    Inputs {
        exploitation,
        automatable: match (cisa.automatable, alone) {
            (Some(told), _) => (told, InputBasis::Cisa),
            (None, Some(alone)) => (alone, InputBasis::Cvss),
            (None, None) => NOTHING.automatable,
        },
        technical_impact: match (cisa.technical_impact, total) {
            (Some(told), _) => (told, InputBasis::Cisa),
            (None, Some(total)) => (impact(total), InputBasis::Cvss),
            (None, None) => NOTHING.technical_impact,
        },
    }
}

#[cfg(test)]
mod tests {
    use plimsoll_model::finding::{CvssVector, Ssvc};
    use plimsoll_model::severity::Severity;

    use super::*;

    #[test]
    fn the_tree_is_the_published_one() {
        // Exploitation, automatable, technical impact, mission, in the order of CISA's table (2.0.3).
        let letters: String = TREE
            .iter()
            .flatten()
            .flatten()
            .flatten()
            .map(|decision| match decision {
                Track => 't',
                TrackStar => '*',
                Attend => 'a',
                Act => 'A',
            })
            .collect();
        assert_eq!(letters, "ttttt*ttattatt*t*attat*attataAaaAaAA");
    }

    #[test]
    fn worse_inputs_never_give_a_milder_decision() {
        let exploitations = [Exploitation::None, Exploitation::Poc, Exploitation::Active];
        let impacts = [TechnicalImpact::Partial, TechnicalImpact::Total];
        let missions = [Mission::Low, Mission::Medium, Mission::High];
        let mut all = Vec::new();
        for (e, exploitation) in exploitations.into_iter().enumerate() {
            for (a, automatable) in [false, true].into_iter().enumerate() {
                for (i, impact) in impacts.into_iter().enumerate() {
                    for (m, mission) in missions.into_iter().enumerate() {
                        all.push(([e, a, i, m], decide(exploitation, automatable, impact, mission)));
                    }
                }
            }
        }
        for (one, first) in &all {
            for (other, second) in &all {
                if one.iter().zip(other).all(|(a, b)| a <= b) {
                    assert!(first <= second, "{one:?} {other:?}");
                }
            }
        }
    }

    #[test]
    fn inputs_tell_where_they_are_from() {
        let found = Vulnerability {
            cvss: vec![CvssVector {
                vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H".into(),
                score: Some(9.8),
            }],
            ssvc: Some(Ssvc { exploitation: Some(Exploitation::Poc), ..Ssvc::default() }),
            ..Vulnerability::default()
        };
        let finding = |found: Vulnerability| Finding {
            id: "CVE-1".into(),
            title: String::new(),
            severity: Severity::Critical,
            severity_source: "CVSS".into(),
            kind: FindingKind::Vulnerability(Box::new(found)),
            locations: vec![],
            position: None,
            remedy: None,
            references: vec![],
        };
        let told = assess(&finding(found.clone()), Mission::Medium);
        assert_eq!(told.decision, TrackStar);
        assert_eq!(told.exploitation, (Exploitation::Poc, InputBasis::Cisa));
        assert_eq!(told.automatable, (true, InputBasis::Cvss));
        assert_eq!(told.technical_impact, (TechnicalImpact::Total, InputBasis::Cvss));
        let exploited = Vulnerability { known_exploited: Some(jiff::civil::date(2026, 1, 1)), ..found };
        assert_eq!(assess(&finding(exploited), Mission::Medium).decision, Act);
        let unknown = assess(&finding(Vulnerability::default()), Mission::Medium);
        assert_eq!((unknown.decision, unknown.exploitation.1), (Track, InputBasis::Assumed));
    }
}
