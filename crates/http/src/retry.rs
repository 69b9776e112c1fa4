//! When to ask again: exponential waits with jitter, and what `Retry-After` says (RFC 9110, section 10.2.3).
//!
//! A date in `Retry-After` is measured against the answer's own `Date`, so no clock is needed and a wrong one does
//! no harm.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};

/// How often and after which wait a request is repeated.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RetryPolicy {
    /// How many times a request is made at most; within a blob, without progress between.
    pub attempts: u32,
    /// The same for a mirror, which has somebody behind it to ask.
    pub attempts_at_mirror: u32,
    /// The first wait; each further one is twice as long.
    pub first_wait: Duration,
    /// The longest wait, be it ours or one that the server asks for: if it wants more, the request fails.
    pub longest_wait: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 4,
            attempts_at_mirror: 2,
            first_wait: Duration::from_millis(250),
            longest_wait: Duration::from_secs(30),
        }
    }
}

/// Whether another try makes sense.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Retry {
    /// It does not.
    Never,
    /// After a wait of our choice.
    Soon,
    /// After the wait that the server asks for.
    After(Duration),
}

/// Counts the failures in a row and chooses the waits between them.
pub struct Backoff<'a> {
    policy: &'a RetryPolicy,
    attempts: u32,
    failures: u32,
}

impl<'a> Backoff<'a> {
    /// Starts with no failure; `attempts` is how many tries there are in all.
    #[must_use]
    pub const fn new(policy: &'a RetryPolicy, attempts: u32) -> Self {
        Self { policy, attempts, failures: 0 }
    }

    /// Forgets past failures, since the last try brought something.
    pub const fn progressed(&mut self) {
        self.failures = 0;
    }

    /// How long to wait before the next try; none if there should be none.
    pub fn wait_after(&mut self, retry: Retry) -> Option<Duration> {
        self.failures = self.failures.saturating_add(1);
        if self.failures >= self.attempts {
            return None;
        }
        match retry {
            Retry::Never => None,
            Retry::After(wait) => (wait <= self.policy.longest_wait).then_some(wait),
            Retry::Soon => Some(self.jittered()),
        }
    }

    /// Between half and the whole of the exponential wait, so that many clients do not come back together.
    fn jittered(&self) -> Duration {
        let doubled = 1_u32.checked_shl(self.failures.saturating_sub(1)).unwrap_or(u32::MAX);
        let whole = self.policy.first_wait.saturating_mul(doubled).min(self.policy.longest_wait);
        let random = RandomState::new().build_hasher().finish() % 1024;
        whole.mul_f64(0.5 + random as f64 / 2048.0)
    }
}

/// Reads how long the server wants us to wait.
#[must_use]
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let wanted = text(RETRY_AFTER)?;
    if let Ok(seconds) = wanted.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = http_date(wanted)?;
    let now = http_date(text(DATE)?)?;
    // A date in the past means "now".
    Some(Duration::try_from(until.duration_since(now)).unwrap_or_default())
}

fn http_date(text: &str) -> Option<jiff::Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

/// Reads `bytes START-END/TOTAL` (RFC 9110, section 14.4) into the start and the total, if that is told.
#[must_use]
pub fn content_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = text.strip_prefix("bytes")?.trim_start().split_once('/')?;
    let (start, end) = range.split_once('-')?;
    let (start, end): (u64, u64) = (start.trim().parse().ok()?, end.trim().parse().ok()?);
    let total = match total.trim() {
        "*" => None,
        total => Some(total.parse().ok()?),
    };
    (start <= end).then_some((start, total))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn seconds_and_dates_are_read() {
        assert_eq!(retry_after(&headers(&[(RETRY_AFTER, "7")])), Some(Duration::from_secs(7)));
        let date = (DATE, "Sun, 06 Nov 1994 08:49:37 GMT");
        let later = (RETRY_AFTER, "Sun, 06 Nov 1994 08:50:07 GMT");
        assert_eq!(retry_after(&headers(&[date.clone(), later.clone()])), Some(Duration::from_secs(30)));
        let earlier = (RETRY_AFTER, "Sun, 06 Nov 1994 08:00:00 GMT");
        assert_eq!(retry_after(&headers(&[date, earlier])), Some(Duration::ZERO));
        assert_eq!(retry_after(&headers(&[later])), None);
        assert_eq!(retry_after(&headers(&[(RETRY_AFTER, "soon")])), None);
        assert_eq!(retry_after(&headers(&[(RETRY_AFTER, "99999999999999999999999")])), None);
    }

    #[test]
    fn waits_grow_and_end() {
        let policy = RetryPolicy { attempts: 40, ..RetryPolicy::default() };
        let mut backoff = Backoff::new(&policy, policy.attempts);
        let waits: Vec<Duration> = std::iter::from_fn(|| backoff.wait_after(Retry::Soon)).collect();
        assert_eq!(waits.len(), 39);
        assert!(waits[0] >= policy.first_wait / 2 && waits[0] <= policy.first_wait);
        assert!(waits[3] >= policy.first_wait * 4 && waits[3] <= policy.first_wait * 8);
        assert!(waits.iter().all(|wait| *wait <= policy.longest_wait));
    }

    #[test]
    fn a_wait_beyond_the_limit_is_not_taken() {
        let policy = RetryPolicy::default();
        let after = |seconds| Retry::After(Duration::from_secs(seconds));
        assert_eq!(Backoff::new(&policy, 3).wait_after(after(30)), Some(Duration::from_secs(30)));
        assert_eq!(Backoff::new(&policy, 3).wait_after(after(31)), None);
        assert_eq!(Backoff::new(&policy, 3).wait_after(Retry::Never), None);
    }

    #[test]
    fn content_ranges_are_read() {
        assert_eq!(content_range("bytes 5-9/10"), Some((5, Some(10))));
        assert_eq!(content_range("bytes 5-9/*"), Some((5, None)));
        for text in ["", "bytes", "bytes */10", "bytes 9-5/10", "bytes 5-9", "items 5-9/10", "bytes -1-9/10"]
        {
            assert_eq!(content_range(text), None, "{text}");
        }
    }
}
