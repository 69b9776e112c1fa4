use super::*;

/// A key on P-256 as a TPM wrote it.
const PUBLIC: &str = "00580023000b00040072000000100018000b0003001000205b1ed0ef";

#[test]
fn names_tell_file_device_and_registers() {
    let uri = TpmUri::parse("tpm:keys/a.pem", None).unwrap();
    assert_eq!((uri.file.to_str(), uri.device.as_str(), uri.pcrs), (Some("keys/a.pem"), "/dev/tpmrm0", None));
    let uri = TpmUri::parse("tpm:a.pem?pcrs=sha256:0,7,23", Some("tcp:127.0.0.1:1")).unwrap();
    assert_eq!(uri.pcrs, Some(Pcrs { bank: 0x0b, selected: [0x81, 0, 0x80] }));
    assert_eq!(uri.device, "tcp:127.0.0.1:1");
    for wrong in [
        "tpm:",
        "tpm:?pcrs=sha256:1",
        "a.pem",
        "tpm:a?pcrs=sha256:",
        "tpm:a?pcrs=sha256:24",
        "tpm:a?pcrs=md5:1",
        "tpm:a?pcrs=7",
        "tpm:a?pcrs=sha256:1&pcrs=sha256:2",
        "tpm:a?password=x",
    ] {
        assert!(TpmUri::parse(wrong, None).is_err(), "{wrong}");
    }
}

#[test]
fn hostile_files_are_no_keys() {
    let pem = |label: &str, content: &[u8]| pem::encode(&pem::Pem::new(label, content));
    let cut: Vec<u8> = (0..PUBLIC.len() / 2)
        .map(|at| u8::from_str_radix(&PUBLIC[at * 2..at * 2 + 2], 16).unwrap())
        .collect();
    for text in [
        String::new(),
        "x".repeat(1000),
        pem("PRIVATE KEY", b"x"),
        pem("TSS2 PRIVATE KEY", b""),
        pem("TSS2 PRIVATE KEY", &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]),
        pem("TSS2 PRIVATE KEY", &[0x30, 0]),
    ] {
        assert!(matches!(Wrapped::from_pem(&text), Err(TpmError::File(_))), "{text}");
    }
    for public in [&[][..], &[0, 1], &cut, &[0xff; 100]] {
        assert!(matches!(public::key(public), Err(TpmError::File(_))), "{public:?}");
        assert!(!public::has_password(public) && !public::is_bound(public));
    }
}

#[test]
fn a_tpm_that_is_not_there_is_told() {
    let error = Tpm::open("/absent/tpm").err().unwrap();
    assert!(error.to_string().starts_with("the TPM at /absent/tpm: "), "{error}");
}
