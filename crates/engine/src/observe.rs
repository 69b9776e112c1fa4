//! Progress as data: the engine tells an [`Observer`], who draws, streams or ignores it.

/// Something that happened in a scan.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Event {
    /// An image was found.
    Image {
        /// Its name.
        name: String,
        /// How many layers it has.
        layers: usize,
    },
    /// Layers have to be read; all others are known from the cache.
    Reading {
        /// How many.
        layers: usize,
        /// Their stored bytes, as far as known.
        bytes: u64,
    },
    /// Stored bytes of some layer were read, so many in all.
    Bytes {
        /// Since the last event of this kind.
        more: u64,
    },
    /// A layer was read to its end.
    LayerRead,
    /// The inventory stands; it is matched and checked now.
    Matching {
        /// How many packages there are.
        packages: usize,
    },
    /// The image is done.
    Done,
}

/// Is told of progress, from any thread.
pub trait Observer: Send + Sync {
    /// Takes an event.
    fn event(&self, event: Event);
}

/// Ignores everything.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn event(&self, _: Event) {}
}
