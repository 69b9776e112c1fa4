//! A key of RSA out of the numbers that OpenSSH keeps: PKCS #1 (RFC 8017, A.1.2) wants two more, which follow from them.

use x509_cert::der::Encode as _;
use x509_cert::der::asn1::{SequenceOf, UintRef};
use zeroize::Zeroizing;

use crate::signing::private_key::{NotAKey, PrivateKey};

/// More bytes has no number of a key that is supported.
const LONGEST: usize = 1024;

/// The numbers of a key, the most significant byte first and without leading zeros.
pub(super) struct Numbers<'a> {
    pub(super) modulus: &'a [u8],
    pub(super) public: &'a [u8],
    pub(super) private: &'a [u8],
    pub(super) p: &'a [u8],
    pub(super) q: &'a [u8],
    pub(super) coefficient: &'a [u8],
}

/// The key; whether its numbers belong together is for the cryptography provider to see.
pub(super) fn key(numbers: &Numbers<'_>) -> Result<PrivateKey, NotAKey> {
    let Numbers { modulus, public, private, p, q, coefficient } = *numbers;
    if [modulus, public, private, p, q, coefficient].iter().any(|number| number.len() > LONGEST) {
        return Err(NotAKey);
    }
    let [of_p, of_q] = [p, q].map(|prime| exponent(private, prime));
    let version: &[u8] = &[0];
    let all = [version, modulus, public, private, p, q, &of_p, &of_q, coefficient];
    PrivateKey::from_pkcs1(&sequence(all).ok_or(NotAKey)?)
}

fn sequence(numbers: [&[u8]; 9]) -> Option<Zeroizing<Vec<u8>>> {
    let mut sequence = SequenceOf::<UintRef<'_>, 9>::new();
    for number in numbers {
        sequence.add(UintRef::new(number).ok()?).ok()?;
    }
    sequence.to_der().ok().map(Zeroizing::new)
}

/// `private` modulo `prime - 1`, of an odd `prime`.
fn exponent(private: &[u8], prime: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut modulus = Zeroizing::new(prime.to_vec());
    if let Some(last) = modulus.last_mut() {
        *last &= 0xfe;
    }
    let mut rest = Zeroizing::new(vec![0; modulus.len()]);
    let bits = private.iter().flat_map(|byte| (0..8).rev().map(move |bit| (byte >> bit) & 1));
    for bit in bits {
        // Twice what was less than the modulus, and one: once the modulus may have to go.
        let over = doubled(&mut rest, bit);
        let (less, borrowed) = minus(&rest, &modulus);
        if over || !borrowed {
            rest = less;
        }
    }
    rest
}

/// Doubles `number` and adds `bit`; tells whether it ran over.
fn doubled(number: &mut [u8], bit: u8) -> bool {
    let mut carry = bit;
    for byte in number.iter_mut().rev() {
        let high = *byte >> 7;
        *byte = (*byte << 1) | carry;
        carry = high;
    }
    carry == 1
}

/// `a - b` of two that are as long; tells whether `b` is larger.
fn minus(a: &[u8], b: &[u8]) -> (Zeroizing<Vec<u8>>, bool) {
    let mut difference = Zeroizing::new(a.to_vec());
    let mut borrowed = false;
    for (byte, other) in difference.iter_mut().rev().zip(b.iter().rev()) {
        let (first, under) = byte.overflowing_sub(*other);
        let (second, under_again) = first.overflowing_sub(u8::from(borrowed));
        *byte = second;
        borrowed = under || under_again;
    }
    (difference, borrowed)
}
