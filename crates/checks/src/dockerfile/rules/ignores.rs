//! Rules over the comments that set findings aside.

use plimsoll_model::severity::Severity;

use super::super::ignore::ignores;
use super::{Breach, Rule, always, on_request};
use crate::build_file::FileRule;

pub(crate) const INLINE: Rule = on_request(
    FileRule {
        id: "inline-ignore",
        aliases: &["DL1001"],
        title: "A comment sets findings aside",
        severity: Severity::Negligible,
        remedy: "Mend what was found, or set it aside for all files on the command line",
    },
    |view| {
        let inline = ignores(view).into_iter().filter(|ignore| ignore.is_inline);
        inline.map(|ignore| Breach::new(ignore.at, ignore.rules.join(","))).collect()
    },
);

pub(crate) const WITHOUT_REASON: Rule = always(
    FileRule {
        id: "ignore-without-reason",
        aliases: &[],
        title: "A comment sets findings aside and does not say why",
        severity: Severity::Negligible,
        remedy: "Write the reason behind the rules: # plimsoll:ignore RULE reason",
    },
    |view| {
        let silent = ignores(view).into_iter().filter(|ignore| ignore.is_ours && ignore.reason.is_empty());
        silent.map(|ignore| Breach::new(ignore.at, ignore.rules.join(","))).collect()
    },
);
