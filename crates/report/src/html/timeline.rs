//! When findings are due, by the policy's table of days: a drawing by weeks around today, and lists that lead to the
//! findings.

use std::fmt::Write as _;
use std::io::{self, Write};

use jiff::civil::Date;
use plimsoll_model::severity::Severity;

use super::chart::{Bar, drawing};
use super::{counted, text};
use crate::case::{Case, Row};
use crate::table::plural;

/// The most findings that a list names.
const LISTED: usize = 50;
/// Weeks before and behind today's that are drawn; what lies further out stands at the edge.
const WEEKS: i32 = 13;

/// What is due in a time, the soonest first.
struct Time {
    name: &'static str,
    /// The first day behind it, counted from today.
    before: i32,
    class: &'static str,
}

const TIMES: [Time; 5] = [
    Time { name: "overdue", before: 0, class: "late" },
    Time { name: "in 7 days", before: 8, class: "soon" },
    Time { name: "in 30 days", before: 31, class: "" },
    Time { name: "in 90 days", before: 91, class: "" },
    Time { name: "later", before: i32::MAX, class: "" },
];

/// A finding that is due.
struct Due<'a> {
    /// Its place in the list of findings.
    index: usize,
    row: Row<'a>,
    day: Date,
    /// Days from today; negative, if it is overdue.
    left: i32,
}

/// Writes the timeline of the `number`th image, whose list has its first `shown` findings; nothing where none is due.
pub(super) fn write(case: &Case<'_>, number: usize, shown: usize, out: &mut dyn Write) -> io::Result<()> {
    let Some(today) = case.today() else { return Ok(()) };
    let (due, excepted) = due(case, today);
    if due.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "<div class=\"card due\"><h2 id=\"due-{number}\">Due, as of <time datetime=\"{today}\">{today}</time></h2>{}",
        weeks(&due)
    )?;
    let mut rest = due.as_slice();
    let lists: Vec<(&Time, &[Due<'_>])> = TIMES
        .iter()
        .map(|time| {
            let (inside, behind) = rest.split_at(rest.partition_point(|due| due.left < time.before));
            rest = behind;
            (time, inside)
        })
        .collect();
    let largest = lists.iter().map(|(_, list)| list.len()).max().unwrap_or(1).max(1);
    writeln!(out, "<div class=\"times\">")?;
    for (time, list) in lists {
        write_time(time, list, largest, (number, shown), out)?;
    }
    writeln!(out, "</div>")?;
    if excepted > 0 {
        let left = counted(excepted, "finding");
        writeln!(out, "<p class=\"note\">{left} that the policy excepts {} not here.</p>", be(excepted))?;
    }
    writeln!(out, "</div>")
}

const fn be(count: usize) -> &'static str {
    if count == 1 { "is" } else { "are" }
}

/// The findings that are due, the soonest first; and how many an exception lets pass.
fn due<'a>(case: &Case<'a>, today: Date) -> (Vec<Due<'a>>, usize) {
    let mut excepted = 0_usize;
    let all = case.findings().enumerate().zip(case.due);
    let mut due: Vec<Due<'a>> = all
        .filter_map(|((index, row), day)| {
            let day = (*day)?;
            if row.standing.is_suppressed() {
                excepted = excepted.saturating_add(1);
                return None;
            }
            let left = today.until(day).ok()?.get_days();
            Some(Due { index, row, day, left })
        })
        .collect();
    due.sort_by_key(|due| (due.left, due.index));
    (due, excepted)
}

fn bar(due: &[Due<'_>]) -> Bar {
    let mut bar = Bar { label: String::new(), value: String::new(), counts: [0; 6] };
    due.iter().for_each(|due| bar.count(due.row.finding.severity));
    bar
}

fn write_time(
    time: &Time,
    due: &[Due<'_>],
    largest: usize,
    (number, shown): (usize, usize),
    out: &mut dyn Write,
) -> io::Result<()> {
    let (name, count) = (time.name, due.len());
    let drawn = drawing(&bar(due), u32::try_from(largest).unwrap_or(u32::MAX));
    let class = if due.is_empty() { "" } else { time.class };
    writeln!(out, "<section class=\"time {class}\"><h3>{name} <b>{count}</b></h3>{drawn}")?;
    if due.is_empty() {
        return writeln!(out, "</section>");
    }
    writeln!(out, "<ol>")?;
    for due in due.iter().take(LISTED) {
        let severity = due.row.finding.severity.as_str();
        let id = text(&due.row.finding.id);
        // What the list of findings has no room for cannot be led to.
        let link =
            if due.index < shown { format!("<a href=\"#f-{number}-{}\">{id}</a>", due.index) } else { id };
        let place = due.row.package_title().or_else(|| due.row.place()).unwrap_or_default();
        writeln!(
            out,
            "<li><span class=\"pill sev-{severity}\">{severity}</span> {link} <span class=\"pkg\">{}</span> \
             <time datetime=\"{1}\">{1}</time> <span class=\"left\">{2}</span></li>",
            text(&place),
            due.day,
            left(due.left)
        )?;
    }
    writeln!(out, "</ol>")?;
    if count > LISTED {
        writeln!(out, "<p class=\"note\">and {} more</p>", count - LISTED)?;
    }
    writeln!(out, "</section>")
}

fn left(days: i32) -> String {
    let count = days.unsigned_abs();
    let plural = plural(usize::try_from(count).unwrap_or(usize::MAX));
    match days {
        0 => "today".to_owned(),
        1.. => format!("{count} day{plural} left"),
        _ => format!("{count} day{plural} over"),
    }
}

/// Columns by weeks, with today in the middle.
fn weeks(due: &[Due<'_>]) -> String {
    let week = |due: &Due<'_>| due.left.div_euclid(7).clamp(-WEEKS, WEEKS - 1);
    let columns: Vec<(i32, Bar)> = due
        .chunk_by(|one, other| week(one) == week(other))
        .filter_map(|same| Some((week(same.first()?), bar(same))))
        .collect();
    let largest = columns.iter().map(|(_, bar)| bar.total()).max().unwrap_or(1).max(1);
    let mut drawn = String::new();
    // Writing to a string cannot fail.
    for (week, bar) in &columns {
        let (x, mut top) = (week + WEEKS, 20.0);
        for (severity, count) in Severity::WORST_FIRST.iter().zip(bar.counts).filter(|(_, count)| *count > 0)
        {
            let (name, height) = (severity.as_str(), f64::from(count) * 20.0 / f64::from(largest));
            top -= height;
            let when = match *week {
                0 => "this week".to_owned(),
                week if week < 0 => format!("up to {} weeks over", week.unsigned_abs()),
                week => format!("in {week} weeks"),
            };
            write!(
                drawn,
                "<rect class=\"sev-{name}\" x=\"{x}.1\" y=\"{top:.3}\" width=\"0.8\" height=\"{height:.3}\"><title>{when}: {count} {name}</title></rect>"
            )
            .unwrap_or_default();
        }
    }
    let late = due.iter().filter(|due| due.left < 0).count();
    format!(
        "<div class=\"weeks\"><svg viewBox=\"0 0 {} 20\" preserveAspectRatio=\"none\" role=\"img\" \
         aria-label=\"{late} of {} findings are overdue\"><rect class=\"past\" x=\"0\" y=\"0\" width=\"{WEEKS}\" height=\"20\"/>{drawn}\
         <path class=\"today\" d=\"M{WEEKS} 0v20\"/></svg>\
         <p class=\"axis\" aria-hidden=\"true\"><span>90 days ago and before</span><span>today</span><span>in 90 days and later</span></p></div>",
        WEEKS * 2,
        due.len()
    )
}
