//! What can be typed behind `plimsoll cache`.

use clap::Subcommand;

/// Commands over the evidence cache.
#[derive(Debug, Subcommand)]
pub(crate) enum Cache {
    /// Tell where the cache is and how much it holds.
    Info {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Delete what was least recently used.
    #[command(
        after_help = "Examples:\n  plimsoll cache prune            delete everything\n  plimsoll cache prune --keep 500  keep at most 500 MB"
    )]
    Prune {
        /// Keep at most this many megabytes.
        #[arg(long, value_name = "MB", default_value_t = 0)]
        keep: u64,
    },
}
