//! Work that is done once for all who want it at the same time.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// What was made for each key, or why not.
pub(super) struct Once<K, V>(Mutex<HashMap<K, Cell<V>>>);

type Cell<V> = Arc<OnceLock<Result<V, String>>>;

impl<K, V> Default for Once<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, V: Clone> Once<K, V> {
    /// What `make` gives, called by the first who wants it; all others wait for that.
    pub(super) fn get(&self, key: K, make: impl FnOnce() -> anyhow::Result<V>) -> anyhow::Result<V> {
        let cell = Arc::clone(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default());
        let mut own = None;
        let made = cell.get_or_init(|| {
            make().map_err(|error| {
                let words = format!("{error:#}");
                own = Some(error);
                words
            })
        });
        match (made, own) {
            // Whoever tried it has the error itself, with all that hangs on it.
            (_, Some(error)) => Err(error),
            (Ok(value), None) => Ok(value.clone()),
            (Err(words), None) => Err(anyhow::anyhow!(words.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn work_that_many_want_is_done_once_also_if_it_fails() {
        let (made, failed, start) = (AtomicUsize::new(0), AtomicUsize::new(0), Barrier::new(8));
        let once: Once<&str, usize> = Once::default();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    start.wait();
                    let value = once.get("a", || Ok(made.fetch_add(1, Ordering::Relaxed)));
                    assert_eq!(value.unwrap(), 0);
                    let error = once.get("b", || {
                        failed.fetch_add(1, Ordering::Relaxed);
                        anyhow::bail!("no line")
                    });
                    assert_eq!(error.unwrap_err().to_string(), "no line");
                });
            }
        });
        assert_eq!((made.into_inner(), failed.into_inner()), (1, 1));
    }
}
