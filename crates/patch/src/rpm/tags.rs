//! The numbers of tags (`rpmtag.h`), types and flags.

pub(crate) const REGION: u32 = 63;
pub(crate) const SIG_MD5: u32 = 261;
pub(crate) const DSA_HEADER: u32 = 267;
pub(crate) const RSA_HEADER: u32 = 268;
pub(crate) const SHA1_HEADER: u32 = 269;
pub(crate) const OPENPGP: u32 = 278;
pub(crate) const NAME: u32 = 1000;
pub(crate) const VERSION: u32 = 1001;
pub(crate) const RELEASE: u32 = 1002;
pub(crate) const EPOCH: u32 = 1003;
pub(crate) const DESCRIPTION: u32 = 1005;
pub(crate) const INSTALL_TIME: u32 = 1008;
pub(crate) const GROUP: u32 = 1016;
pub(crate) const ARCH: u32 = 1022;
pub(crate) const FILE_SIZES: u32 = 1028;
pub(crate) const FILE_STATES: u32 = 1029;
pub(crate) const FILE_MODES: u32 = 1030;
pub(crate) const FILE_TIMES: u32 = 1034;
pub(crate) const FILE_DIGESTS: u32 = 1035;
pub(crate) const FILE_LINKS: u32 = 1036;
pub(crate) const FILE_FLAGS: u32 = 1037;
pub(crate) const FILE_USERS: u32 = 1039;
pub(crate) const FILE_GROUPS: u32 = 1040;
pub(crate) const PROVIDE_NAME: u32 = 1047;
pub(crate) const REQUIRE_FLAGS: u32 = 1048;
pub(crate) const REQUIRE_NAME: u32 = 1049;
pub(crate) const REQUIRE_VERSION: u32 = 1050;
pub(crate) const CONFLICT_FLAGS: u32 = 1053;
pub(crate) const CONFLICT_NAME: u32 = 1054;
pub(crate) const CONFLICT_VERSION: u32 = 1055;
pub(crate) const TRIGGER_NAME: u32 = 1066;
pub(crate) const OBSOLETE_NAME: u32 = 1090;
pub(crate) const FILE_DEVICES: u32 = 1095;
pub(crate) const FILE_INODES: u32 = 1096;
pub(crate) const PROVIDE_FLAGS: u32 = 1112;
pub(crate) const PROVIDE_VERSION: u32 = 1113;
pub(crate) const OBSOLETE_FLAGS: u32 = 1114;
pub(crate) const OBSOLETE_VERSION: u32 = 1115;
pub(crate) const DIR_INDEXES: u32 = 1116;
pub(crate) const BASE_NAMES: u32 = 1117;
pub(crate) const DIR_NAMES: u32 = 1118;
pub(crate) const PAYLOAD_COMPRESSOR: u32 = 1125;
pub(crate) const INSTALL_COLOR: u32 = 1127;
pub(crate) const INSTALL_TID: u32 = 1128;
pub(crate) const LONG_FILE_SIZES: u32 = 5008;
pub(crate) const FILE_CAPS: u32 = 5010;
pub(crate) const FILE_DIGEST_ALGORITHM: u32 = 5011;
pub(crate) const SUGGEST_NAME: u32 = 5049;
pub(crate) const RECOMMEND_NAME: u32 = 5046;
pub(crate) const SUPPLEMENT_NAME: u32 = 5052;
pub(crate) const ENHANCE_NAME: u32 = 5055;
pub(crate) const FILE_TRIGGER_NAME: u32 = 5069;
pub(crate) const TRANS_FILE_TRIGGER_NAME: u32 = 5079;
pub(crate) const FILE_TRIGGER_INDEX: u32 = 5070;
pub(crate) const TRANS_FILE_TRIGGER_INDEX: u32 = 5080;
pub(crate) const PAYLOAD_DIGEST: u32 = 5092;
pub(crate) const PAYLOAD_DIGEST_ALGORITHM: u32 = 5093;
pub(crate) const PAYLOAD_SHA256: u32 = 5120;

/// Scripts and what runs them.
pub(crate) const SCRIPTS: [(&str, u32, u32); 6] = [
    ("%pre", 1023, 1085),
    ("%post", 1024, 1086),
    ("%preun", 1025, 1087),
    ("%postun", 1026, 1088),
    ("%pretrans", 1151, 1153),
    ("%posttrans", 1152, 1154),
];

/// What of a package's signatures its header has once it is installed: the tag there, and the one here.
pub(crate) const MERGED: [(u32, u32); 14] = [
    (1000, 257),
    (1002, 259),
    (1004, SIG_MD5),
    (1005, 262),
    (1007, 1046),
    (DSA_HEADER, DSA_HEADER),
    (RSA_HEADER, RSA_HEADER),
    (SHA1_HEADER, SHA1_HEADER),
    (270, 270),
    (271, 271),
    (273, 273),
    (274, 274),
    (275, 275),
    (OPENPGP, OPENPGP),
];

/// A file is configuration.
pub(crate) const CONFIG: u32 = 1;
/// It need not be there.
pub(crate) const MISSING_OK: u32 = 8;
/// Configuration that was changed stays.
pub(crate) const NO_REPLACE: u32 = 16;
/// The package owns it without bringing it.
pub(crate) const GHOST: u32 = 64;
