//! The check of a chain charter -> owner -> device, pure.

use crate::cert::{CertError, Charter, OwnerCert};
use crate::wire::{Hello, Refusal};

/// How far ahead of ours another's clock may be: computers that wake up without a network can be a
/// time zone or a dead battery off.
const SKEW_SECS: u64 = 24 * 3600;

/// What the roster already proved about the owner and device of a hello.
#[derive(Debug, Default)]
pub(super) struct Proven {
    /// The owner's certificate, verified before.
    pub(super) owner: Option<OwnerCert>,
    /// The device's certificate is the very one verified before.
    pub(super) device: bool,
}

/// The certificate of the owner that `hello`'s device belongs to, when all of it is genuine and of
/// the grid that `charter` founds.
pub(super) fn verify(
    hello: &Hello,
    charter: &Charter,
    proven: Proven,
    now_secs: u64,
) -> Result<OwnerCert, Refusal> {
    if !proven.device {
        hello.device.verify().map_err(refusal)?;
    }
    let owner = match (&hello.charter, &hello.owner) {
        (Some(theirs), Some(_)) if theirs != charter => return Err(Refusal::WrongGrid),
        (Some(_), Some(cert)) if proven.owner.as_ref() == Some(cert) => cert.clone(),
        (Some(_), Some(cert)) => {
            cert.verify(charter).map_err(refusal)?;
            cert.clone()
        }
        (None, None) => proven.owner.ok_or(Refusal::UnknownOwner)?,
        _ => return Err(Refusal::CertInvalid),
    };
    if owner.owner != hello.device.owner {
        return Err(Refusal::CertInvalid);
    }
    let latest_secs = now_secs.saturating_add(SKEW_SECS);
    if owner.since_secs > latest_secs || hello.device.since_secs > latest_secs {
        return Err(Refusal::CertExpired);
    }
    Ok(owner)
}

fn refusal(error: CertError) -> Refusal {
    match error {
        CertError::WrongGrid => Refusal::WrongGrid,
        _ => Refusal::CertInvalid,
    }
}
