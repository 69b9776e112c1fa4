//! The daily scores of the Exploit Prediction Scoring System, as CSV (<https://www.first.org/epss/data_stats>).

use super::date::day;
use super::loose::is_cve;
use super::source::Source;
use super::{Document, Enrichment, EpssFact, Feed, FeedError, Harvest, Syntax};

pub(crate) const EPSS: Feed = Feed { name: "epss", recognizes, read, bulk: true };

static SOURCE: Source = Source {
    name: crate::database::EPSS,
    title: "FIRST",
    license: "free use with attribution",
    url: "https://www.first.org/epss",
    page: "",
    prefixes: &[],
};

const HEADER: &str = "cve,epss,percentile";

fn recognizes(document: &Document<'_>) -> bool {
    document.syntax == Syntax::Text && document.text.lines().take(2).any(|line| line.trim() == HEADER)
}

/// `#model_version:v2025.03.14,score_date:2026-11-20T12:55:00Z`, the header, then a line for each CVE.
fn read(document: &Document<'_>, harvest: &mut Harvest) -> Result<(), FeedError> {
    let first = document.text.lines().next().unwrap_or_default();
    let date = first.split_once("score_date:").and_then(|(_, date)| day(date));
    for (number, line) in document.text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') || line == HEADER {
            continue;
        }
        match entry(line) {
            Some((cve, probability, percentile)) => {
                let epss = Some(EpssFact { date, probability, percentile });
                harvest.enrich(&SOURCE, cve, date, Enrichment { epss, ..Enrichment::default() });
            }
            None => {
                let path = format!("{}:{}", document.path, number.saturating_add(1));
                harvest.problem(&path, EPSS.name, &FeedError::value("line", line));
            }
        }
    }
    Ok(())
}

fn entry(line: &str) -> Option<(&str, u32, u32)> {
    let mut fields = line.split(',');
    let (cve, probability, percentile) = (fields.next()?, fields.next()?, fields.next()?);
    is_cve(cve).then_some((cve, share(probability)?, share(percentile)?))
}

/// A share of one in hundred-thousandths: `0.00043` → 43. Further digits are cut off.
fn share(text: &str) -> Option<u32> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) || whole.is_empty() {
        return exponent(text);
    }
    let part: String = part.chars().chain("00000".chars()).take(5).collect();
    let share = whole.parse::<u32>().ok()?.checked_mul(100_000)?.checked_add(part.parse().ok()?)?;
    (share <= 100_000).then_some(share)
}

/// `6.1e-05`, as some writers print the least of them.
fn exponent(text: &str) -> Option<u32> {
    let value: f64 = text.parse().ok().filter(|value| (0.0..=1.0).contains(value))?;
    format!("{:.0}", (value * 100_000.0).floor()).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_one() {
        let cases =
            [("0.00043", 43), ("0.97", 97_000), ("1", 100_000), ("1.00000", 100_000), ("0.000449", 44)];
        for (text, expected) in cases.into_iter().chain([("6.1e-05", 6)]) {
            assert_eq!(share(text), Some(expected), "{text}");
        }
        for text in ["", "1.1", "-0.1", "NaN", "inf", "1e9", "0.1.2", "99999999999999999999999"] {
            assert_eq!(share(text), None, "{text}");
        }
    }
}
