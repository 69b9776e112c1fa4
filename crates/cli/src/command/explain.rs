//! `plimsoll explain`.

use anyhow::Context as _;
use plimsoll_advisory::matching::explain::explain;
use plimsoll_model::explanation::Explanation;
use plimsoll_model::scan::Scan;

use super::{Context, db, scan};
use crate::args::{Explain, Words};
use crate::exit::Code;
use crate::output::to_stdout;

pub(super) fn run(args: &Explain, context: &Context) -> anyhow::Result<Code> {
    let scans = scan::scans(&args.scan(), &[], context)?;
    let databases = db::choose(args.db.as_deref(), context)?;
    let databases: Vec<_> = databases.iter().map(|(database, _)| database).collect();
    let explained: Vec<(&Scan, Explanation)> = scans
        .iter()
        .map(|scan| Ok((scan, explain(&scan.inventory, &databases, args.id.trim())?)))
        .collect::<Result<_, plimsoll_advisory::database::Corrupt>>()
        .context("reading the advisory database")?;
    match args.format {
        Words::Text => {
            let style = context.environment.style(context.global.color);
            to_stdout(|out| {
                for (index, (scan, explanation)) in explained.iter().enumerate() {
                    if index > 0 {
                        writeln!(out)?;
                    }
                    plimsoll_report::explain::write_text(scan, explanation, style, out)?;
                }
                Ok(())
            })?;
        }
        Words::Json => {
            let pairs: Vec<(&Scan, &Explanation)> = explained.iter().map(|(s, e)| (*s, e)).collect();
            to_stdout(|out| plimsoll_report::explain::write_json(&pairs, out))?;
        }
    }
    let is_known = explained.iter().any(|(_, explanation)| !explanation.advisories.is_empty());
    Ok(if is_known { Code::Pass } else { Code::Undecided })
}
