//! Version orders: no text breaks one, and each is an order.
#![no_main]

use plimsoll_model::version::Scheme;
use plimsoll_model::version::range::npm_range;

libfuzzer_sys::fuzz_target!(|input: (u8, &str, &str, &str)| {
    let (scheme, a, b, c) = input;
    let scheme = Scheme::ALL[usize::from(scheme) % Scheme::ALL.len()];
    drop(npm_range(a));
    drop(scheme.compare_to_bound(a, b));
    let (Ok(ab), Ok(ba)) = (scheme.compare(a, b), scheme.compare(b, a)) else { return };
    assert_eq!(ab, ba.reverse(), "{scheme:?} {a:?} {b:?}");
    // Maven's own order is not transitive, nor is PHP's with its mark for a number.
    if [a, b, c].iter().all(|version| scheme.is_total_at(version))
        && let (Ok(bc), Ok(ac)) = (scheme.compare(b, c), scheme.compare(a, c))
        && ab == bc
    {
        assert_eq!(ac, ab, "{scheme:?} {a:?} {b:?} {c:?}");
    }
});
