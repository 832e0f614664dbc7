//! Every error as what the command line shows: a code to branch on, an exit, one sentence, and
//! commands that may help. The codes and their exits are `api::codes`.

use std::error::Error;

use p2p::{GridError, InviteError, Refusal};
use store::HomeError;

use super::client::ClientError;
use super::engine::EngineError;
use super::roster::RosterError;
use crate::api::Failure;
use crate::api::codes::{self, Code};
use crate::config::ConfigError;
use crate::flow::FlowError;
use crate::flow::scan::ScanError;
use crate::host::OfferError;
use crate::offload::WorkLost;
use crate::vault::keystore::KeyFileError;
use crate::vault::phrase::PhraseError;

/// The error and what caused it, in one line.
pub(crate) fn told(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let text = inner.to_string();
        // Transparent errors repeat what they wrap.
        if !message.ends_with(&text) {
            message = format!("{message}: {text}");
        }
        cause = inner.source();
    }
    message
}

/// A failure of this kind with commands that may help.
pub(crate) fn failure(code: Code, message: impl Into<String>, help: &[&str]) -> Failure {
    let help = help.iter().map(|line| (*line).to_owned()).collect();
    Failure { help, ..code.failure(message) }
}

impl From<FlowError> for Failure {
    fn from(error: FlowError) -> Self {
        let (code, help) = of_flow(&error);
        failure(code, told(&error), help)
    }
}

fn of_flow(error: &FlowError) -> (Code, &'static [&'static str]) {
    match error {
        FlowError::TooFewPeers { .. } => (codes::TOO_FEW_PEERS, &["gbak peers", "gbak invite"]),
        FlowError::Limits(_) => (codes::LIMITS, &["gbak peers", "gbak backup ... --unmet relax"]),
        FlowError::NoPeers => (codes::NO_PEERS, &["gbak peers", "gbak status"]),
        FlowError::PackUnavailable { .. } | FlowError::HeadBehind { .. } => {
            (codes::PACK_UNAVAILABLE, &["gbak peers"])
        }
        FlowError::PackLost { .. } => (codes::DATA_LOSS, &["gbak status", "gbak snapshots"]),
        FlowError::Spec(_) => (codes::SNAPSHOT, &["gbak snapshots"]),
        FlowError::NoSuchPath { .. } => (codes::NO_PATH, &["gbak ls latest"]),
        FlowError::UnknownChunk { .. }
        | FlowError::UnknownPack { .. }
        | FlowError::Inconsistent => (codes::CATALOG, REBUILD),
        FlowError::Catalog(error) if error.is_full() => (codes::DISK, &[]),
        FlowError::Catalog(_) => (codes::CATALOG, REBUILD),
        FlowError::Scan(ScanError::BadPattern { .. } | ScanError::NoPaths)
        | FlowError::Pattern { .. }
        | FlowError::Redundancy { .. } => (codes::USAGE, &["gbak help"]),
        FlowError::Scan(_) => (codes::SOURCE, &[]),
        FlowError::Target(error) if error.is_full() => (codes::TARGET_FULL, &[]),
        FlowError::Target(_) => (codes::TARGET, &[]),
        FlowError::TargetNotEmpty { .. } => {
            (codes::TARGET_NOT_EMPTY, &["gbak restore ... --overwrite if-changed"])
        }
        FlowError::Sealed(_)
        | FlowError::Record(_)
        | FlowError::Format(_)
        | FlowError::TooDeep { .. } => (codes::DAMAGED, REBUILD),
        FlowError::SpoolLost { .. } => (codes::DISK, &["gbak backup"]),
        FlowError::Spool(_) | FlowError::Cache { .. } | FlowError::Place { .. } => {
            (codes::DISK, &[])
        }
        FlowError::IndexIncomplete { .. } => (codes::PACK_UNAVAILABLE, &["gbak peers"]),
        FlowError::Forked { .. } => (codes::FORKED, &["gbak recover"]),
        FlowError::NotWitnessed { .. } => (codes::NOT_WITNESSED, &["gbak peers", "gbak backup"]),
        FlowError::BadTag { .. } | FlowError::TooManyTags { .. } => (codes::USAGE, &[]),
        FlowError::OthersSnapshot { .. } => (codes::USAGE, &["gbak recover --rebuild --as-of 1m"]),
        FlowError::Pinned { .. } => (codes::USAGE, &["gbak unpin SNAP"]),
        FlowError::TooManyDrives { .. } => (codes::DRIVE, &["gbak drive delete NAME"]),
        FlowError::NoRules => (codes::USAGE, &["gbak forget --keep-last N"]),
        FlowError::KeepsNothing { .. } => (codes::KEEPS_NOTHING, &["gbak forget --keep-last N"]),
        FlowError::Cancelled => (codes::INTERRUPTED, &[]),
        _ => (codes::INTERNAL, &[]),
    }
}

const REBUILD: &[&str] = &["gbak recover --rebuild"];

impl From<OfferError> for Failure {
    fn from(error: OfferError) -> Self {
        match error {
            OfferError::Shelf(error) => EngineError::from(error).into(),
            OfferError::WorkLost(error) => error.into(),
        }
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        let message = told(&error);
        match error {
            EngineError::Home(error) => error.into(),
            EngineError::NoKeys { .. } => failure(codes::NO_HOME, message, MAKE_HOME),
            EngineError::Keys(error) => error.into(),
            EngineError::Config(error) => error.into(),
            EngineError::CatalogDamaged { .. } => failure(codes::CATALOG, message, REBUILD),
            EngineError::Catalog(error) if error.is_full() => failure(codes::DISK, message, &[]),
            EngineError::Catalog(_) => failure(codes::CATALOG, message, REBUILD),
            EngineError::Swarm(_) => {
                failure(codes::LISTEN, message, &["gbak daemon --listen ADDR"])
            }
            EngineError::WorkLost(error) => error.into(),
            _ => failure(codes::DISK, message, &[]),
        }
    }
}

const MAKE_HOME: &[&str] = &["gbak init", "gbak recover"];

impl From<HomeError> for Failure {
    fn from(error: HomeError) -> Self {
        let message = told(&error);
        match error {
            HomeError::Missing { .. } => failure(codes::NO_HOME, message, MAKE_HOME),
            HomeError::Busy { path, pid } => {
                let who = pid.map_or_else(String::new, |pid| format!(" (process {pid})"));
                let message = format!("{} is in use{who}", path.display());
                failure(codes::BUSY, message, &["gbak --retry-lock 5m ...", "gbak status"])
            }
            _ => failure(codes::DISK, message, &[]),
        }
    }
}

impl From<KeyFileError> for Failure {
    fn from(error: KeyFileError) -> Self {
        let code = match error {
            KeyFileError::PassphraseNeeded => codes::PASSPHRASE_NEEDED,
            KeyFileError::WrongPassphrase => codes::PASSPHRASE_WRONG,
            _ => codes::KEYS_DAMAGED,
        };
        code.failure(told(&error))
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        let code = match error {
            ConfigError::Read { .. } | ConfigError::Write { .. } => codes::DISK,
            _ => codes::SETTINGS,
        };
        code.failure(told(&error))
    }
}

impl From<PhraseError> for Failure {
    fn from(error: PhraseError) -> Self {
        codes::PHRASE_WRONG.failure(told(&error))
    }
}

impl From<InviteError> for Failure {
    fn from(error: InviteError) -> Self {
        failure(codes::INVITE, told(&error), &["gbak invite   (on a member's machine)"])
    }
}

impl From<RosterError> for Failure {
    fn from(error: RosterError) -> Self {
        codes::DISK.failure(told(&error))
    }
}

impl From<WorkLost> for Failure {
    fn from(error: WorkLost) -> Self {
        codes::INTERNAL.failure(told(&error))
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        failure(codes::DAEMON_UNREACHABLE, told(&error), &["gbak daemon", "gbak status"])
    }
}

impl From<GridError> for Failure {
    fn from(error: GridError) -> Self {
        match error {
            GridError::NotAdmitted { reason, .. } => reason.into(),
            GridError::WrongReply { .. } => codes::NOT_TRUSTED.failure(told(&error)),
            _ => failure(codes::NO_PEERS, told(&error), &["gbak peers"]),
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let code = match refusal {
            Refusal::InviteUnknown
            | Refusal::InviteExpired
            | Refusal::InviteUsed
            | Refusal::CannotAdmit => codes::INVITE,
            Refusal::NotAdmitted
            | Refusal::WrongGrid
            | Refusal::CertExpired
            | Refusal::CertInvalid
            | Refusal::UnknownOwner => codes::NOT_TRUSTED,
            _ => codes::REFUSED,
        };
        let help: &[&str] = match code {
            codes::INVITE => &["gbak invite   (on a member's machine)"],
            _ => &[],
        };
        failure(code, format!("The peer refused: {refusal}"), help)
    }
}

#[cfg(test)]
mod tests;
