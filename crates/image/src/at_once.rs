//! Several questions at once, answered in the order in which they were asked.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Asks about each of `items` on at most `threads` threads. The answers are in the order of the items; one is missing only if its
/// thread died.
pub fn at_once<T: Sync, R: Send>(
    threads: usize,
    items: &[T],
    ask: impl Fn(&T) -> R + Sync,
) -> Vec<Option<R>> {
    if items.len() < 2 {
        return items.iter().map(|item| Some(ask(item))).collect();
    }
    let next = AtomicUsize::new(0);
    let answers: Vec<Mutex<Option<R>>> = items.iter().map(|_| Mutex::new(None)).collect();
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let (Some(item), Some(place)) = (items.get(number), answers.get(number)) else { return };
            let answer = ask(item);
            if let Ok(mut place) = place.lock() {
                *place = Some(answer);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, items.len()) {
            // What a thread that cannot be started does not do, the others do; the last is this one.
            drop(std::thread::Builder::new().spawn_scoped(scope, work));
        }
        work();
    });
    answers.into_iter().map(|answer| answer.into_inner().unwrap_or_default()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_in_the_order_of_the_questions() {
        let items: Vec<usize> = (0..1000).collect();
        let answers = at_once(8, &items, |item| item * 2);
        assert!(answers.iter().enumerate().all(|(number, answer)| *answer == Some(number * 2)));
        assert_eq!(at_once(8, &[7], |item| item + 1), [Some(8)]);
        assert!(at_once(0, &Vec::<u8>::new(), |item| *item).is_empty());
    }
}
