//! What the orders share: reading runs of bytes, and comparing digits of any length.

use std::cmp::Ordering;

/// Takes the longest start of `text` whose bytes all satisfy `wanted`.
pub(super) fn take_while<'t>(text: &mut &'t [u8], wanted: impl Fn(u8) -> bool) -> &'t [u8] {
    let length = text.iter().position(|byte| !wanted(*byte)).unwrap_or(text.len());
    let (head, tail) = text.split_at(length);
    *text = tail;
    head
}

/// Takes the digits at the start of `text`.
pub(super) fn take_digits<'t>(text: &mut &'t [u8]) -> &'t [u8] {
    take_while(text, |byte| byte.is_ascii_digit())
}

/// Takes the first byte if it satisfies `wanted`.
pub(super) fn take_one(text: &mut &[u8], wanted: impl Fn(u8) -> bool) -> bool {
    match text.split_first() {
        Some((first, rest)) if wanted(*first) => {
            *text = rest;
            true
        }
        _ => false,
    }
}

/// Tells whether `text` is one or more digits.
pub(super) fn is_number(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

/// Compares digits by value; no digits are zero.
pub(super) fn compare_digits(left: &[u8], right: &[u8]) -> Ordering {
    let (left, right) = (without_zeros(left), without_zeros(right));
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

/// The digits after leading zeros.
pub(super) fn without_zeros(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|byte| **byte == b'0').count();
    digits.split_at(zeros).1
}

/// Compares `1.2.3` with `1.2`, number by number; missing ones are zero.
pub(super) fn compare_dotted(left: &[u8], right: &[u8]) -> Ordering {
    let (mut left, mut right) = (left.split(is_dot), right.split(is_dot));
    loop {
        let (one, two) = (left.next(), right.next());
        if one.is_none() && two.is_none() {
            return Ordering::Equal;
        }
        let order = compare_digits(one.unwrap_or_default(), two.unwrap_or_default());
        if order.is_ne() {
            return order;
        }
    }
}

/// Tells whether a byte is a dot.
pub(super) fn is_dot(byte: &u8) -> bool {
    *byte == b'.'
}

/// A text without the whitespace around it, as bytes.
pub(super) fn trimmed(text: &str) -> &[u8] {
    text.trim().as_bytes()
}
