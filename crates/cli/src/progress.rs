//! Progress drawn on standard error, where that is a terminal.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use plimsoll_advisory::fetch::{Progress, Stage};
use plimsoll_engine::observe::{Event, Observer, Silent};
use plimsoll_image::carry::Step;

/// The observer for this terminal, or one that keeps quiet.
pub(crate) fn observer(wanted: bool) -> Arc<dyn Observer> {
    if wanted && std::io::stderr().is_terminal() { Arc::new(Bar::new()) } else { Arc::new(Silent) }
}

struct Bar {
    bar: ProgressBar,
    layers: AtomicU64,
    read: AtomicU64,
}

impl Bar {
    fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
        Self { bar, layers: AtomicU64::new(0), read: AtomicU64::new(0) }
    }

    fn style(&self, template: &str) {
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.bar.set_style(style.progress_chars("━╸ "));
        }
    }

    fn tell_layers(&self) {
        let (read, all) = (self.read.load(Ordering::Relaxed), self.layers.load(Ordering::Relaxed));
        self.bar.set_message(format!("{read} of {all} layers"));
    }
}

impl Observer for Bar {
    fn event(&self, event: Event) {
        match event {
            Event::Image { name, .. } => self.bar.set_prefix(name),
            Event::Reading { layers: 0, .. } => {}
            Event::Reading { layers, bytes } => {
                self.layers.store(layers as u64, Ordering::Relaxed);
                self.bar.set_length(bytes);
                self.style("{prefix} reading {bar:30} {bytes}/{total_bytes} {bytes_per_sec} {msg}");
                self.bar.enable_steady_tick(Duration::from_millis(200));
                self.tell_layers();
            }
            Event::Bytes { more } => self.bar.inc(more),
            Event::LayerRead => {
                self.read.fetch_add(1, Ordering::Relaxed);
                self.tell_layers();
            }
            Event::Matching { packages } => {
                self.style("{prefix} {msg}");
                self.bar.set_message(format!("matching {packages} packages"));
            }
            Event::Done => self.bar.finish_and_clear(),
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// One bar for all feeds that are fetched; none where nobody would see it.
pub(crate) fn fetching(wanted: bool) -> Option<plimsoll_advisory::fetch::Observer> {
    if !wanted || !std::io::stderr().is_terminal() {
        return None;
    }
    let bar = Bar::new();
    bar.style("fetching {bar:30} {bytes}/{total_bytes} {bytes_per_sec} {msg}");
    bar.bar.enable_steady_tick(Duration::from_millis(200));
    Some(Arc::new(move |progress: Progress<'_>| match progress.stage {
        Stage::Begun { from, size } => {
            bar.bar.inc_length(size.unwrap_or_default().saturating_sub(from));
            bar.bar.set_message(progress.feed.to_owned());
        }
        Stage::Received(more) => bar.bar.inc(more),
        Stage::Waiting(wait) => {
            bar.bar.set_message(format!("{} again in {} s", progress.feed, wait.as_secs().max(1)));
        }
        Stage::Done => {}
    }))
}

/// Tells the user of trouble that did not end the work.
pub(crate) fn warning(text: &str) {
    tell("warning", text);
}

/// Tells the user something that is not worth an error.
pub(crate) fn note(text: &str) {
    tell("note", text);
}

fn tell(what: &str, text: &str) {
    // Standard error may be closed; then nobody wants to know.
    let told = format!("{what}: {}\n", crate::output::one_line(text));
    drop(std::io::Write::write_all(&mut std::io::stderr(), told.as_bytes()));
}

/// Is told of a copy, from any thread.
pub(crate) type CopyWatch = Box<dyn Fn(Step) + Sync>;

/// A bar for a copy, or nothing where nobody would see it.
pub(crate) fn copying(wanted: bool) -> CopyWatch {
    if !wanted || !std::io::stderr().is_terminal() {
        return Box::new(|_| {});
    }
    let bar = Bar::new();
    Box::new(move |step| match step {
        Step::Begun { blobs, bytes } => {
            bar.layers.store(blobs as u64, Ordering::Relaxed);
            bar.bar.set_length(bytes);
            bar.style("copying {bar:30} {bytes}/{total_bytes} {bytes_per_sec} {msg}");
            bar.bar.enable_steady_tick(Duration::from_millis(200));
        }
        Step::Bytes(more) => bar.bar.inc(more),
        Step::Blob(more) => {
            bar.bar.inc(more);
            let done = bar.read.fetch_add(1, Ordering::Relaxed).saturating_add(1);
            bar.bar.set_message(format!("{done} of {} blobs", bar.layers.load(Ordering::Relaxed)));
        }
        Step::Manifests => {
            bar.style("copying {msg}");
            bar.bar.set_message("manifests");
        }
    })
}
