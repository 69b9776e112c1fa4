//! Extractors of what distributions' package managers record.

#[cfg_attr(
    not(test),
    expect(dead_code, reason = "listed with the other extractors as soon as there is a list")
)]
pub(crate) mod rpm;
