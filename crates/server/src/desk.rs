//! Where reviews wait until somebody decides about them, and from where answers go out: only such as are answers to that review, and
//! that were told to the audit trail before.

use std::sync::Arc;
use std::time::Duration;

use hyper::body::Bytes;
use plimsoll_checks::admission;
use plimsoll_report::admission::{Answer, Fate};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};

use crate::Webhook;
use crate::connection::denial;
use crate::worker::Done;

/// The audit trail must be told in this time.
const RECORD: Duration = Duration::from_secs(2);

pub(crate) struct Desk {
    webhook: Arc<Webhook>,
    /// For those who wait or are decided about.
    queue: Semaphore,
    /// For those who are decided about.
    places: Semaphore,
}

impl Desk {
    pub(crate) fn new(webhook: Webhook) -> Self {
        let limits = webhook.limits;
        Self {
            queue: Semaphore::new(limits.at_once.saturating_add(limits.waiting)),
            places: Semaphore::new(limits.at_once),
            webhook: Arc::new(webhook),
        }
    }

    pub(crate) fn complain(&self, words: &str) {
        (self.webhook.complain)(words);
    }

    pub(crate) fn longest(&self) -> Duration {
        self.webhook.limits.time
    }

    /// The identifier that is answered to, and the answer.
    pub(crate) async fn answer(&self, body: Bytes, deadline: Instant) -> (String, Vec<u8>) {
        match self.decided(&body, deadline).await {
            Ok((answer, bytes)) => match self.record(&body, &answer).await {
                Ok(()) => (answer.uid, bytes),
                Err(words) => {
                    self.complain(&words);
                    let answer = denial(&answer.uid, Fate::Undecided, "the audit trail could not be told");
                    (answer.uid.clone(), answer.write())
                }
            },
            Err(words) => self.denied(&body, Fate::Undecided, &words).await,
        }
    }

    /// Denies it, which the audit trail is told if it can be.
    pub(crate) async fn denied(&self, body: &Bytes, fate: Fate, words: &str) -> (String, Vec<u8>) {
        let answer = denial(&admission::uid(body).unwrap_or_default(), fate, words);
        self.complain(&answer.message);
        if let Err(words) = self.record(body, &answer).await {
            self.complain(&words);
        }
        (answer.uid.clone(), answer.write())
    }

    /// What a worker decided; else why there is no decision.
    async fn decided(&self, body: &Bytes, deadline: Instant) -> Result<(Answer, Vec<u8>), String> {
        let Ok(_queued) = self.queue.try_acquire() else {
            return Err("too many reviews are waiting: it was not decided".to_owned());
        };
        let late = |_| "it could not be decided in time".to_owned();
        let place = timeout_at(deadline, self.places.acquire()).await.map_err(late)?;
        let _place = place.map_err(|_| "nothing is decided any more".to_owned())?;
        let done = timeout_at(deadline, self.webhook.worker.run(body)).await.map_err(late)?;
        let Done { code, out } = done.map_err(|error| format!("it could not be decided: {error}"))?;
        let answer = Answer::read(&out).filter(|answer| {
            let expected = match answer.fate {
                Fate::Allowed => 0,
                Fate::Denied => 1,
                Fate::Undecided | Fate::Malformed => 2,
            };
            code == Some(expected) && answer.uid == admission::uid(body).unwrap_or_default()
        });
        match (answer, code) {
            (Some(answer), _) => Ok((answer, out)),
            (None, None) => Err("it could not be decided: deciding it broke off".to_owned()),
            (None, Some(code)) => {
                Err(format!("it could not be decided: there is no answer (exit code {code})"))
            }
        }
    }

    async fn record(&self, body: &Bytes, answer: &Answer) -> Result<(), String> {
        if self.webhook.record.is_none() {
            return Ok(());
        }
        let (webhook, body, answer) = (Arc::clone(&self.webhook), body.clone(), answer.clone());
        let told = tokio::task::spawn_blocking(move || match &webhook.record {
            Some(record) => record(&body, &answer),
            None => Ok(()),
        });
        match timeout(RECORD, told).await {
            Ok(Ok(told)) => told,
            Ok(Err(_)) => Err("telling the audit trail broke off".to_owned()),
            Err(_) => Err("telling the audit trail took too long".to_owned()),
        }
    }
}
