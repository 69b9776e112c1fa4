//! What changed from one text to another as a unified diff, as `patch` reads it.

/// Lines shown around a change.
const AROUND: usize = 3;
/// Texts whose differing parts have more pairs of lines than this are told as replaced whole.
const PAIRS: usize = 16 << 20;

/// One line of the way from the old text to the new.
#[derive(Clone, Copy)]
enum Step<'a> {
    Same(&'a str),
    Out(&'a str),
    In(&'a str),
}

/// The unified diff; empty if nothing changed.
pub(super) fn unified(name: &str, before: &str, after: &str) -> String {
    if before == after {
        return String::new();
    }
    let steps = steps(before, after);
    let changed: Vec<usize> =
        (0..steps.len()).filter(|at| !matches!(steps.get(*at), Some(Step::Same(_)))).collect();
    let mut text = format!("--- a/{name}\n+++ b/{name}\n");
    let mut rest = changed.as_slice();
    while let Some(first) = rest.first() {
        let near = rest
            .windows(2)
            .take_while(|pair| matches!(pair, [one, next] if next - one <= 2 * AROUND))
            .count();
        let last = rest.get(near).unwrap_or(first);
        let (start, end) = (first.saturating_sub(AROUND), (last + AROUND + 1).min(steps.len()));
        hunk(&steps, start, end, &mut text);
        rest = rest.get(near + 1..).unwrap_or_default();
    }
    text
}

fn hunk(steps: &[Step<'_>], start: usize, end: usize, text: &mut String) {
    let count = |steps: &[Step<'_>]| {
        steps.iter().fold((0_usize, 0_usize), |(old, new), step| match step {
            Step::Same(_) => (old + 1, new + 1),
            Step::Out(_) => (old + 1, new),
            Step::In(_) => (old, new + 1),
        })
    };
    let own = steps.get(start..end).unwrap_or_default();
    let (before, lengths) = (count(steps.get(..start).unwrap_or_default()), count(own));
    // An empty side is said to lie behind the line before it.
    let begin = |before: usize, length: usize| if length == 0 { before } else { before + 1 };
    let (old, new) = (begin(before.0, lengths.0), begin(before.1, lengths.1));
    text.push_str(&format!("@@ -{old},{} +{new},{} @@\n", lengths.0, lengths.1));
    for step in own {
        let (sign, line) = match step {
            Step::Same(line) => (' ', line),
            Step::Out(line) => ('-', line),
            Step::In(line) => ('+', line),
        };
        text.push(sign);
        text.push_str(line);
        if !line.ends_with('\n') {
            text.push_str("\n\\ No newline at end of file\n");
        }
    }
}

/// The way with the most lines kept, by the table of longest common subsequences.
fn steps<'a>(before: &'a str, after: &'a str) -> Vec<Step<'a>> {
    let old: Vec<&str> = before.split_inclusive('\n').collect();
    let new: Vec<&str> = after.split_inclusive('\n').collect();
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (old.get(head..).unwrap_or_default(), new.get(head..).unwrap_or_default());
    let tail = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(a, b)| a == b).count();
    let old_middle = old_rest.get(..old_rest.len() - tail).unwrap_or_default();
    let new_middle = new_rest.get(..new_rest.len() - tail).unwrap_or_default();
    let mut found: Vec<Step<'_>> = old.iter().take(head).map(|line| Step::Same(line)).collect();
    middle(old_middle, new_middle, &mut found);
    found.extend(old_rest.iter().skip(old_middle.len()).map(|line| Step::Same(line)));
    found
}

fn middle<'a>(old: &[&'a str], new: &[&'a str], found: &mut Vec<Step<'a>>) {
    let width = new.len() + 1;
    let (mut i, mut j) = (0, 0);
    if old.len().saturating_mul(new.len()) <= PAIRS {
        let mut kept = vec![0_u32; (old.len() + 1) * width];
        let at = |kept: &[u32], i: usize, j: usize| kept.get(i * width + j).copied().unwrap_or(0);
        for (i, a) in old.iter().enumerate().rev() {
            for (j, b) in new.iter().enumerate().rev() {
                let best = if a == b {
                    at(&kept, i + 1, j + 1) + 1
                } else {
                    at(&kept, i + 1, j).max(at(&kept, i, j + 1))
                };
                if let Some(cell) = kept.get_mut(i * width + j) {
                    *cell = best;
                }
            }
        }
        while let (Some(a), Some(b)) = (old.get(i), new.get(j)) {
            if a == b {
                found.push(Step::Same(a));
                (i, j) = (i + 1, j + 1);
            } else if at(&kept, i + 1, j) >= at(&kept, i, j + 1) {
                found.push(Step::Out(a));
                i += 1;
            } else {
                found.push(Step::In(b));
                j += 1;
            }
        }
    }
    found.extend(old.iter().skip(i).map(|line| Step::Out(line)));
    found.extend(new.iter().skip(j).map(|line| Step::In(line)));
}

#[cfg(test)]
mod tests {
    use super::unified;

    #[test]
    fn changes_are_told_with_what_is_around_them() {
        let before = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13";
        let after = "1\n2\n3\n4\nfive\n6\n7\n8\n9\n10\n11\n12\n13\n";
        assert_eq!(
            unified("D", before, after),
            "--- a/D\n+++ b/D\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n\
             @@ -10,4 +10,4 @@\n 10\n 11\n 12\n-13\n\\ No newline at end of file\n+13\n"
        );
        assert_eq!(unified("D", "a\nb\nc\n", "a\nc\n"), "--- a/D\n+++ b/D\n@@ -1,3 +1,2 @@\n a\n-b\n c\n");
        assert_eq!(unified("D", "a\n", "a\n"), "");
    }
}
