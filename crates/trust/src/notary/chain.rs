//! Chains of certificates, from the one that signed to its root, in this order and with nothing else between.

use jiff::Timestamp;

use super::x509::{Cert, Purpose};

/// A chain with more certificates is refused.
pub(crate) const CHAIN_LIMIT: usize = 10;

/// A chain that follows all rules but those of time.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    pub(crate) leaf: Cert,
    /// Those above, the root last.
    pub(crate) above: Vec<Cert>,
}

impl Chain {
    /// Reads the certificates of an envelope.
    pub(crate) fn read(certificates: &[Vec<u8>], purpose: Purpose) -> Result<Self, String> {
        if certificates.len() > CHAIN_LIMIT {
            return Err(format!("there are more than {CHAIN_LIMIT} certificates"));
        }
        let read = certificates.iter().map(|der| Cert::read(der)).collect::<Result<Vec<_>, _>>()?;
        Self::of(read, purpose)
    }

    /// Certificates in their order.
    pub(crate) fn of(certificates: Vec<Cert>, purpose: Purpose) -> Result<Self, String> {
        let mut certificates = certificates.into_iter();
        let leaf = certificates.next().ok_or("there is no certificate")?;
        let chain = Self { leaf, above: certificates.collect() };
        chain.check(purpose)?;
        Ok(chain)
    }

    fn check(&self, purpose: Purpose) -> Result<(), String> {
        self.leaf.check_leaf(purpose)?;
        let mut below = &self.leaf;
        for (count, authority) in self.above.iter().enumerate() {
            if below.is_issued_by(below).is_ok() {
                return Err(format!("{} is self-signed but not the last one", below.shown()));
            }
            below.is_issued_by(authority)?;
            authority.check_authority(count, purpose)?;
            below = authority;
        }
        below.is_issued_by(below).map_err(|why| format!("the chain does not end with a root: {why}"))
    }

    pub(crate) fn certificates(&self) -> impl Iterator<Item = &Cert> {
        std::iter::once(&self.leaf).chain(&self.above)
    }

    /// Each certificate that somebody else issued, and who.
    pub(crate) fn issued(&self) -> impl Iterator<Item = (&Cert, &Cert)> {
        self.certificates().zip(&self.above)
    }

    /// Whether all certificates were valid from the one time to the other, both included.
    pub(crate) fn check_valid(&self, from: Timestamp, to: Timestamp) -> Result<(), String> {
        for certificate in self.certificates() {
            let (start, end) = certificate.validity()?;
            if from < start || to > end {
                let shown = certificate.shown();
                return Err(format!("{shown} is valid from {start} to {end}, not at {from}"));
            }
        }
        Ok(())
    }
}
