//! Files that are wrapped and opened again, and hostile ones. What `age` itself makes is in `cli/tests/age.rs`.

use super::*;
use crate::signing::key_file;
use crate::signing::private_key::NewKey;
use bech32::{Bech32, Hrp};

/// An identity with its recipient, of 32 times a byte.
fn pair(byte: u8) -> (String, String) {
    let text = |prefix: &str, bytes: &[u8]| {
        let prefix = Hrp::parse(prefix).unwrap();
        let mut text = String::new();
        bech32::encode_to_fmt::<Bech32, _>(&mut text, prefix, bytes).unwrap();
        text
    };
    let secret =
        aws_lc_rs::agreement::PrivateKey::from_private_key(&aws_lc_rs::agreement::X25519, &[byte; 32]);
    let public = secret.unwrap().compute_public_key().unwrap();
    (text("age-secret-key-", &[byte; 32]).to_uppercase(), text("age", public.as_ref()))
}

fn identities(byte: u8) -> Vec<Identity> {
    Identity::read(&format!("# a comment\n\n{}\n", pair(byte).0)).unwrap()
}

fn recipient(byte: u8) -> Recipient {
    pair(byte).1.parse().unwrap()
}

/// A file with these stanzas, whose code and content hold for a key of zeros.
fn file(stanzas: &[Stanza]) -> Vec<u8> {
    let key = FileKey::new([0; 16]);
    let own = derived(&[], &*key, b"header").unwrap();
    let mut file = header::written(stanzas, |signed| {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &*own), signed).as_ref().to_vec()
    });
    file.extend([0; NONCE]);
    file.extend(super::sealed(&derived(&[0; NONCE], &*key, b"payload").unwrap(), ONLY, b"content").unwrap());
    file
}

fn of_password(cost: &str, password: &[u8], log: u8) -> Stanza {
    let salt = [7; SALT];
    let key = stretched(password, &salt, log).unwrap();
    Stanza {
        kind: PASSWORD.to_owned(),
        arguments: vec![header::encoded(&salt), cost.to_owned()],
        body: super::sealed(&key, ZERO, &[0; 16]).unwrap(),
    }
}

#[test]
fn a_key_is_wrapped_for_some_and_opened_by_each_of_them() {
    let made = PrivateKey::generate(NewKey::EcdsaP256).unwrap();
    let text = write(&made, &[recipient(1), recipient(2)]).unwrap();
    assert!(AgeFile::is(text.as_bytes()));
    let file = AgeFile::parse(text.as_bytes()).unwrap();
    assert!(!file.has_password());
    for byte in [1, 2] {
        let plain = file.open(&identities(byte)).unwrap();
        let key = key_file::read(std::str::from_utf8(&plain).unwrap(), None).unwrap();
        assert_eq!(crate::signing::Signer::public_key(&key), crate::signing::Signer::public_key(&made));
    }
    assert_eq!(file.open(&identities(3)).unwrap_err(), AgeError::Identity);
    assert_eq!(file.open(&[]).unwrap_err(), AgeError::Identity);
    assert_eq!(file.open_with_password(b"x").unwrap_err(), AgeError::NotByPassword);
    assert!(matches!(write(&made, &[]), Err(KeyFileError::NotSealed)));
    // Nobody takes it for an open key.
    assert!(matches!(key_file::read(&text, None), Err(KeyFileError::Kind(_))));
}

#[test]
fn any_bit_that_is_flipped_and_any_cut_is_noticed() {
    let sealed = seal(b"content", &[recipient(1)]).unwrap();
    let bare = header::without_armor(sealed.as_bytes()).unwrap();
    let own = identities(1);
    assert_eq!(AgeFile::parse(&bare).unwrap().open(&own).unwrap().as_slice(), b"content");
    for end in 0..bare.len() {
        assert!(AgeFile::parse(&bare[..end]).and_then(|file| file.open(&own)).is_err(), "{end}");
    }
    for place in 0..bare.len() {
        let mut changed = bare.clone();
        changed[place] ^= 1;
        assert!(AgeFile::parse(&changed).and_then(|file| file.open(&own)).is_err(), "{place}");
    }
    let more = [&bare[..], &[0]].concat();
    assert_eq!(AgeFile::parse(&more).unwrap().open(&own).unwrap_err(), AgeError::Damaged);
    for end in 0..sealed.len() - 2 {
        assert!(AgeFile::parse(&sealed.as_bytes()[..end]).is_err(), "{end}");
    }
}

#[test]
fn a_password_opens_what_asks_for_no_more_work_than_is_done() {
    let open = |cost: &str| {
        let bytes = file(&[of_password(cost, b"correct horse", 2)]);
        AgeFile::parse(&bytes)?.open_with_password(b"correct horse")
    };
    assert_eq!(open("2").unwrap().as_slice(), b"content");
    assert_eq!(open("3").unwrap_err(), AgeError::Password);
    for (cost, words) in [("21", 21), ("64", 64), ("999999999", 999_999_999)] {
        assert_eq!(open(cost).unwrap_err(), AgeError::TooMuchWork(words));
    }
    for cost in ["0", "02", "", "+2", "-1", "1e3", "9999999999999999999999", "two"] {
        assert_eq!(open(cost).unwrap_err(), AgeError::Malformed, "{cost}");
    }
    let wrong = AgeFile::parse(&file(&[of_password("2", b"correct horse", 2)])).unwrap();
    assert_eq!(wrong.open_with_password(b"wrong").unwrap_err(), AgeError::Password);
    assert_eq!(wrong.open(&identities(1)).unwrap_err(), AgeError::NotForIdentities);
    // A password beside anything else would not tell who sent it.
    let other = Stanza { kind: "x".to_owned(), arguments: vec!["y".to_owned()], body: Vec::new() };
    let both = file(&[of_password("2", b"correct horse", 2), other]);
    assert_eq!(AgeFile::parse(&both).unwrap_err(), AgeError::Malformed);
}

#[test]
fn hostile_headers_are_none() {
    let mac = "A".repeat(43);
    let whole = |header: &str| [header.as_bytes(), &[0; 64]].concat();
    let stanza = "-> X25519 AAAA\nAAAA\n";
    assert!(AgeFile::parse(&whole(&format!("{}\n{stanza}--- {mac}\n", header::MAGIC))).is_ok());
    let many = stanza.repeat(200);
    for (what, after) in [
        ("no-stanza", format!("--- {mac}\n")),
        ("no-mac", stanza.to_owned()),
        ("short-mac", format!("{stanza}--- {}\n", &mac[..40])),
        ("padded-mac", format!("{stanza}--- {mac}=\n")),
        ("no-space", format!("{stanza}---{mac}\n")),
        ("empty-argument", format!("-> X25519  AAAA\nAAAA\n--- {mac}\n")),
        ("no-kind", format!("-> \nAAAA\n--- {mac}\n")),
        ("long-line", format!("-> X25519 A\n{}\n--- {mac}\n", "A".repeat(68))),
        ("body-without-end", format!("-> X25519 A\n{}\n--- {mac}\n", "A".repeat(64))),
        ("not-base64", format!("-> X25519 A\nA*\n--- {mac}\n")),
        ("line-ends-of-windows", format!("-> X25519 A\r\nAAAA\r\n--- {mac}\n")),
        ("control", format!("-> X25519 \u{1b}[2J\nAAAA\n--- {mac}\n")),
        ("too-many-stanzas", format!("{many}--- {mac}\n")),
    ] {
        let bytes = whole(&format!("{}\n{after}", header::MAGIC));
        assert_eq!(AgeFile::parse(&bytes).unwrap_err(), AgeError::Malformed, "{what}");
    }
    let version = whole(&format!("age-encryption.org/v2\n{stanza}--- {mac}\n"));
    assert_eq!(AgeFile::parse(&version).unwrap_err(), AgeError::Malformed);
    let large = [whole(&format!("{}\n{stanza}--- {mac}\n", header::MAGIC)), vec![0; 1 << 16]].concat();
    assert_eq!(AgeFile::parse(&large).unwrap_err(), AgeError::Malformed);
    for armor in ["", "\n", "\nAAAA\nAAAA\n", "\nA\n", " \nAAAA\n", "\nAAAA AAAA\n", "\nVersion: 1\n\nAAAA\n"]
    {
        let text = format!("{}{armor}-----END AGE ENCRYPTED FILE-----\n", header::BEGIN);
        assert_eq!(AgeFile::parse(text.as_bytes()).unwrap_err(), AgeError::Malformed, "{armor:?}");
    }
    // A share that makes the secret known to everybody; one of the wrong length.
    for share in [[0; 32].to_vec(), vec![0; 31]] {
        let stanza =
            Stanza { kind: "X25519".to_owned(), arguments: vec![header::encoded(&share)], body: vec![0; 32] };
        let parsed = AgeFile::parse(&file(&[stanza])).unwrap();
        assert_eq!(parsed.open(&identities(1)).unwrap_err(), AgeError::Identity);
    }
}

#[test]
fn what_is_no_identity_and_no_recipient_is_told() {
    let (secret, public) = pair(1);
    assert!(format!("{:?}", identities(1)).len() < 30);
    for text in ["", "# only a comment\n", &format!("{secret}\n").repeat(65)] {
        assert!(matches!(Identity::read(text), Err(AgeError::Identities(_))));
    }
    let changed = secret.replace("AGE-SECRET-KEY-1Q", "AGE-SECRET-KEY-1P");
    for text in ["x", "AGE-SECRET-KEY-1", "AGE-PLUGIN-YUBIKEY-1QQQ", &public, &changed, &secret[..40]] {
        assert_eq!(Identity::read(&format!("\n{text}")).unwrap_err(), AgeError::NotAnIdentity(2), "{text}");
    }
    for text in ["", "age1", "age1pq1xyz", "ssh-ed25519 AAAA", &secret, &public[..40]] {
        let error = text.parse::<Recipient>().unwrap_err();
        assert!(matches!(&error, AgeError::NotARecipient(shown) if shown.len() <= 8), "{error}");
    }
    assert_eq!(Recipient::read(&format!("# us\n{public}\n\n")).unwrap(), [recipient(1)]);
    let curve = PrivateKey::generate(NewKey::EcdsaP256).unwrap();
    assert_eq!(Identity::of_ssh(&curve).unwrap_err(), AgeError::Kind);
}
