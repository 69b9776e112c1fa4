//! Image configurations, and what is concluded from them.
#![no_main]

use plimsoll_image::config::ImageConfig;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(config) = serde_json::from_slice::<ImageConfig>(bytes) {
        for layers in [0, 1, config.history.len(), config.rootfs.diff_ids.len()] {
            assert_eq!(config.steps(layers).len(), layers);
            assert_eq!(config.origins(layers).len(), layers);
        }
        drop(config.platform().to_string());
    }
});
