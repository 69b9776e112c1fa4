//! Sorting by an order that may fail, or may not be an order at all.

use std::cmp::Ordering;

use plimsoll_model::version::Scheme;

/// Lists longer than this keep the order they were written in.
const LIMIT: usize = 2_000;

/// Sorts by insertion, stably. Leaves the list as it is if two elements do not compare: the standard sort may
/// panic where `compare` is no total order, and versions come from strangers.
pub(crate) fn sort_by<T: Clone>(list: &mut Vec<T>, compare: impl Fn(&T, &T) -> Option<Ordering>) {
    if list.len() > LIMIT {
        return;
    }
    let mut sorted: Vec<T> = Vec::with_capacity(list.len());
    for element in list.iter() {
        let mut place = sorted.len();
        for (index, other) in sorted.iter().enumerate().rev() {
            match compare(other, element) {
                Some(Ordering::Greater) => place = index,
                Some(_) => break,
                None => return,
            }
        }
        sorted.insert(place, element.clone());
    }
    *list = sorted;
}

/// Sorts versions, lowest first; those that do not compare stay in the order of their text.
pub(crate) fn sort_versions(versions: &mut Vec<String>, scheme: Option<Scheme>) {
    versions.sort_unstable();
    versions.dedup();
    if let Some(scheme) = scheme {
        sort_by(versions, |left, right| scheme.compare(left, right).ok());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts_stably_and_survives_a_broken_order() {
        let mut list = vec![(2, 'a'), (1, 'b'), (2, 'c'), (1, 'd')];
        sort_by(&mut list, |a, b| Some(a.0.cmp(&b.0)));
        assert_eq!(list, [(1, 'b'), (1, 'd'), (2, 'a'), (2, 'c')]);
        sort_by(&mut list, |_, _| Some(Ordering::Greater));
        assert_eq!(list.len(), 4);
        let before = list.clone();
        sort_by(&mut list, |_, _| None);
        assert_eq!(list, before);
    }
}
