//! Lists of revoked certificates (RFC 5280) and answers of OCSP (`ocsp`), as they were given: nothing is fetched here. A list counts for
//! the certificates of its issuer while it is valid; a certificate on it is revoked even if the list is old.

use jiff::Timestamp;
use x509_cert::crl::CertificateList;
use x509_cert::der::Decode as _;

use super::chain::Chain;
use super::ocsp::{Answer, Question};
use super::store::ders;
use super::x509::{Cert, first_of_sequence, time};

/// A larger file is no list.
pub const LIST_LIMIT: u64 = 64 << 20;

/// What tells of revoked certificates: a list, or an answer of OCSP.
#[derive(Clone, Debug)]
pub struct RevocationList(Source);

#[derive(Clone, Debug)]
enum Source {
    List(Box<List>),
    Answer(Box<Answer>),
}

/// What is told of one certificate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Told {
    pub(crate) is_revoked: bool,
    /// Whether it is still true.
    pub(crate) is_current: bool,
}

#[derive(Clone, Debug)]
struct List {
    signed: Vec<u8>,
    parsed: CertificateList,
    from: Timestamp,
    to: Timestamp,
}

/// A file is no list of revoked certificates that could be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ListError(String);

/// What lists say of a chain.
#[derive(Debug)]
pub(crate) enum Status {
    /// No certificate tells where it could be revoked, and no list is about it.
    Irrevocable,
    /// All that could be revoked are covered by lists, and on none.
    Good,
    /// This certificate is covered by no list.
    Unknown(String),
    /// This one is revoked.
    Revoked(String),
}

impl RevocationList {
    /// Reads the lists of a file, in PEM or one in DER.
    ///
    /// # Errors
    /// If one is malformed, has no end, or covers a part of what its issuer issued only.
    pub fn read(bytes: &[u8]) -> Result<Vec<Self>, ListError> {
        ders(bytes, "X509 CRL")
            .map_err(ListError)?
            .iter()
            .map(|der| List::of(der).map(|list| Self(Source::List(Box::new(list)))).map_err(ListError))
            .collect()
    }

    /// Reads an answer of OCSP.
    ///
    /// # Errors
    /// If it is malformed, or says nothing of certificates.
    pub fn read_answer(bytes: &[u8]) -> Result<Self, ListError> {
        Answer::read(bytes).map(|answer| Self(Source::Answer(Box::new(answer)))).map_err(ListError)
    }

    /// The same of one that was fetched.
    ///
    /// # Errors
    /// If it answers another question, too.
    pub fn answer_to(question: &Question, bytes: &[u8]) -> Result<Self, ListError> {
        Answer::to(bytes, question).map(|answer| Self(Source::Answer(Box::new(answer)))).map_err(ListError)
    }

    /// What it tells of a certificate; none if it is not about it.
    fn tells(&self, certificate: &Cert, issuer: &Cert, now: Timestamp) -> Option<Told> {
        match &self.0 {
            Source::Answer(answer) => answer.tells(certificate, issuer, now),
            Source::List(list) => list.is_by(issuer).then(|| Told {
                is_revoked: list.has(certificate),
                is_current: list.from <= now && now <= list.to,
            }),
        }
    }
}

impl List {
    fn of(der: &[u8]) -> Result<Self, String> {
        let malformed = |error: x509_cert::der::Error| format!("the list is malformed: {error}");
        let parsed = CertificateList::from_der(der).map_err(malformed)?;
        let list = &parsed.tbs_cert_list;
        if list.signature != parsed.signature_algorithm {
            return Err("the list tells two kinds of signatures".to_owned());
        }
        // Deltas, partitions and indirect lists say so.
        let entries =
            list.revoked_certificates.iter().flatten().flat_map(|entry| &entry.crl_entry_extensions);
        let extensions = list.crl_extensions.iter().chain(entries).flatten();
        if let Some(extension) = extensions.into_iter().find(|extension| extension.critical) {
            return Err(format!(
                "the list has the critical extension {}, which is not known",
                extension.extn_id
            ));
        }
        let to = list.next_update.ok_or("the list does not tell until when it is valid")?;
        let (from, to) = (time(list.this_update)?, time(to)?);
        Ok(Self { signed: first_of_sequence(der).map_err(malformed)?.to_vec(), from, to, parsed })
    }

    fn is_by(&self, issuer: &Cert) -> bool {
        let signature = self.parsed.signature.as_bytes().unwrap_or_default();
        self.parsed.tbs_cert_list.issuer == *issuer.subject()
            && issuer.signs_lists()
            && issuer.key.signed(self.parsed.signature_algorithm.oid, &self.signed, signature).is_ok()
    }

    fn has(&self, certificate: &Cert) -> bool {
        let mut entries = self.parsed.tbs_cert_list.revoked_certificates.iter().flatten();
        entries.any(|entry| entry.serial_number.as_bytes() == certificate.serial())
    }
}

/// What `lists` say of all certificates of a chain but its root, which nobody revokes.
pub(crate) fn status(chain: &Chain, lists: &[RevocationList], now: Timestamp) -> Result<Status, String> {
    let mut status = Status::Irrevocable;
    let mut unknown = None;
    for (certificate, issuer) in chain.issued() {
        let told: Vec<Told> = lists.iter().filter_map(|list| list.tells(certificate, issuer, now)).collect();
        if told.iter().any(|told| told.is_revoked) {
            return Ok(Status::Revoked(certificate.shown()));
        }
        if told.iter().any(|told| told.is_current) {
            status = Status::Good;
        } else if certificate.is_revocable()? {
            unknown.get_or_insert_with(|| certificate.shown());
        }
    }
    Ok(unknown.map_or(status, Status::Unknown))
}
