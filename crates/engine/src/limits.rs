//! Every bound of a scan, with its default, in one place.

use plimsoll_formats::tar;
use plimsoll_image::layer::LayerLimits;

/// What a scan may use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Layers read at the same time.
    pub layers_at_once: usize,
    /// Bounds of one layer's bytes.
    pub layer: LayerLimits,
    /// Bounds of one layer's tar.
    pub tar: tar::Limits,
    /// Wanted files up to this size are held in memory, larger ones in an anonymous temporary file.
    pub in_memory_file: u64,
}

impl Limits {
    /// The usual bounds on a machine of `cores` cores.
    #[must_use]
    pub fn for_cores(cores: usize) -> Self {
        Self {
            layers_at_once: cores.clamp(1, 8),
            layer: LayerLimits::default(),
            tar: tar::Limits::default(),
            in_memory_file: 8 << 20,
        }
    }
}
