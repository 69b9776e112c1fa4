//! Capabilities; what becomes of files is compared with rpm itself.

use super::*;

#[test]
fn capabilities_are_those_of_setcap() {
    // As `getfattr -n security.capability -e hex` shows them after `setcap`.
    let hex = |text: &str| capabilities(text).unwrap().map(|bytes| plimsoll_model::digest::hex(&bytes));
    assert_eq!(hex("cap_net_raw=ep").as_deref(), Some("0100000200200000000000000000000000000000"));
    assert_eq!(
        hex("= cap_net_admin,cap_net_raw+p").as_deref(),
        Some("0000000200300000000000000000000000000000")
    );
    assert_eq!((hex(""), hex("=")), (None, None));
    for wrong in ["cap_flying=ep", "net_raw=ep", "cap_net_raw", "cap_net_raw=x"] {
        assert!(capabilities(wrong).is_err(), "{wrong}");
    }
}
