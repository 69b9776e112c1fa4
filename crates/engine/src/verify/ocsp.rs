//! Asks responders of OCSP about the certificates of signatures, where that is wanted. Only certificates that a trusted one vouches for
//! say whom to ask; an answer is signed, so that plain HTTP does no harm.

use std::cell::RefCell;

use jiff::Timestamp;
use plimsoll_http::chain;
use plimsoll_model::signature::{self, Outcome, Signature, Subject};
use plimsoll_trust::claimed::Claimed;
use plimsoll_trust::demand::Demand;
use plimsoll_trust::judge::Judge;
use plimsoll_trust::notary::ocsp::{self, Question};
use plimsoll_trust::notary::revocation::RevocationList;
use reqwest::{Method, Url};

use crate::kms::wire::{Request, Wire};
use crate::kms::{KmsError, Surroundings};

/// More questions are not asked.
const LIMIT: usize = 64;

/// A demand that has responders asked before it judges.
pub struct Asking {
    demand: RefCell<Demand>,
    wire: Wire,
    asked: RefCell<Vec<String>>,
    troubles: RefCell<Vec<String>>,
}

impl std::fmt::Debug for Asking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Asking").field("asked", &self.asked.borrow()).finish_non_exhaustive()
    }
}

impl Asking {
    /// Asks nobody yet.
    ///
    /// # Errors
    /// If there is no network to be had.
    pub fn new(demand: Demand, surroundings: &Surroundings) -> Result<Self, KmsError> {
        let wire = Wire::new(surroundings)?;
        Ok(Self { demand: demand.into(), wire, asked: RefCell::default(), troubles: RefCell::default() })
    }

    /// Who did not answer, or not as he should.
    #[must_use]
    pub fn troubles(&self) -> Vec<String> {
        self.troubles.borrow().clone()
    }

    fn ask(&self, claimed: &Claimed<'_>) {
        let questions = match &self.demand.borrow().notary {
            Some(trust) => ocsp::questions(claimed.media_type, claimed.content, trust),
            None => return,
        };
        for question in questions {
            // The same certificate signs many a time.
            if self.asked.borrow().contains(&question.shown) || self.asked.borrow().len() >= LIMIT {
                continue;
            }
            self.asked.borrow_mut().push(question.shown.clone());
            match self.answer(&question) {
                Ok(answer) => {
                    if let Some(trust) = &mut self.demand.borrow_mut().notary {
                        trust.revoked.push(answer);
                    }
                }
                Err(why) => {
                    let words = format!("whether {} is revoked: {why}", question.shown);
                    self.troubles.borrow_mut().push(words);
                }
            }
        }
    }

    fn answer(&self, question: &Question) -> Result<RevocationList, String> {
        let url = Url::parse(&question.url).map_err(|_| "its responder has no address".to_owned())?;
        let mut request = Request::get(url).with("content-type", "application/ocsp-request");
        (request.method, request.body) = (Method::POST, question.der.clone().into());
        let answer = self.wire.bytes(request).map_err(|error| chain(&error))?;
        RevocationList::answer_to(question, &answer).map_err(|error| error.to_string())
    }
}

impl Judge for Asking {
    fn examine(&self, claimed: &Claimed<'_>) -> Option<Signature> {
        self.ask(claimed);
        self.demand.borrow().examine(claimed)
    }

    fn decide(&self, subjects: &[&Subject], gaps: usize) -> (Outcome, String) {
        Judge::decide(&*self.demand.borrow(), subjects, gaps)
    }

    fn is_likely(&self, told: &str) -> bool {
        Judge::is_likely(&*self.demand.borrow(), told)
    }

    fn summary(&self) -> signature::Demand {
        Judge::summary(&*self.demand.borrow())
    }

    fn now(&self) -> Timestamp {
        self.demand.borrow().now
    }
}
