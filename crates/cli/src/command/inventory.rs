//! `plimsoll inventory`.

use anyhow::Context as _;
use plimsoll_engine::account::{accounts, extractors};
use plimsoll_report::account::{Told, write_json, write_text};

use super::{Context, locate, scan};
use crate::args::{Inventory, Words};
use crate::exit::Code;
use crate::output::to_stdout;
use crate::progress;

pub(super) fn run(args: &Inventory, context: &Context) -> anyhow::Result<Code> {
    let options = scan::evidence(extractors(), args.no_cache, args.threads, context);
    let observer = progress::observer(!context.global.quiet);
    let choice = scan::choice(args.platform.as_ref(), args.all_platforms);
    let images = locate::images(&args.image, &choice, options.spool.clone(), context)?;
    let accounts =
        accounts(&images, &options, &observer).with_context(|| format!("reading {}", args.image))?;
    let told = if args.unowned { Told::Unowned } else { Told::All };
    match args.format {
        Words::Text => {
            let style = context.environment.style(context.global.color);
            to_stdout(|out| write_text(&accounts, told, style, out))?;
        }
        Words::Json => to_stdout(|out| write_json(&accounts, told, out))?,
    }
    Ok(Code::Pass)
}
