//! Why a request was declined: values to branch on, never text.

use serde::{Deserialize, Serialize};

/// Why a request was declined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Say hello first, or: your certificates do not prove membership.
    #[error("not a member of this grid")]
    NotAdmitted,
    /// Your certificates are for another grid.
    #[error("a member of another grid")]
    WrongGrid,
    /// A certificate has expired or is not valid yet (check both clocks).
    #[error("certificate expired, or a clock is wrong")]
    CertExpired,
    /// A signature or a field of a certificate is wrong.
    #[error("certificate not genuine")]
    CertInvalid,
    /// Nobody here knows this owner: the phrase is of another grid, or the owner never joined.
    #[error("owner not known in this grid")]
    UnknownOwner,
    /// No such invitation was ever made here.
    #[error("invitation not known here")]
    InviteUnknown,
    /// The invitation's time is over.
    #[error("invitation expired")]
    InviteExpired,
    /// The invitation has been used.
    #[error("invitation already used")]
    InviteUsed,
    /// This device cannot admit members: it does not hold the charter key.
    #[error("this device cannot admit members")]
    CannotAdmit,
    /// We do not hold that shard for you.
    #[error("shard not held here")]
    UnknownShard,
    /// The bytes do not hash to their name.
    #[error("bytes do not match their name")]
    Corrupt,
    /// Held, but our disk gave back other bytes: count it as lost.
    #[error("shard is damaged on the holder's disk")]
    Rotten,
    /// The donation is full.
    #[error("donation full: {free_bytes} bytes left")]
    Full {
        /// What is left, in bytes.
        free_bytes: u64,
    },
    /// The disk is at its floor, or the write failed.
    #[error("disk full or failing")]
    DiskTrouble,
    /// The donation's disk is not mounted.
    #[error("disk away")]
    DiskAway,
    /// A head with a higher number is held already.
    #[error("a newer head ({newest}) is held")]
    StaleHead {
        /// The newest number held.
        newest: u64,
    },
    /// A different head with the same number is held: the chain has forked; both are kept.
    #[error("another head with the same number is held")]
    ForkedHead,
    /// The head's signature or certificate is wrong.
    #[error("head not genuine")]
    HeadInvalid,
    /// Larger or more than allowed.
    #[error("request too large")]
    TooLarge,
    /// Too much at once; come back in a moment.
    #[error("busy")]
    Busy,
    /// The owner has revoked the guardian's mandate.
    #[error("the guardian's mandate is revoked")]
    Revoked,
    /// The owner paused serving.
    #[error("paused")]
    Paused,
    /// Not understood by this version.
    #[error("not supported by this version")]
    Unsupported,
    /// A newer retain set of this device was applied before.
    #[error("a newer retain set ({newest_secs}) was applied")]
    StaleSet {
        /// When that one was made, by the device's clock.
        newest_secs: u64,
    },
    /// The retain set was made in the future (check both clocks).
    #[error("the retain set is from the future, it is {now_secs} here")]
    FutureSet {
        /// The holder's time.
        now_secs: u64,
    },
}
