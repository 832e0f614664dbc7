//! Promises of failures: scripts branch on these, so they are written down one by one.

use std::path::PathBuf;

use p2p::{GridError, InviteError, PeerId, Refusal};
use store::HomeError;

use crate::api::{Failure, codes};
use crate::daemon::engine::EngineError;
use crate::flow::FlowError;
use crate::flow::scan::ScanError;
use crate::vault::keystore::KeyFileError;
use crate::vault::phrase::PhraseError;

fn check(failure: impl Into<Failure>, code: codes::Code, exit: u8) {
    let failure = failure.into();
    assert_eq!(failure.code, code.name, "{failure:?}");
    assert_eq!(failure.exit, exit, "{failure:?}");
    assert!(!failure.message.is_empty() && !failure.message.contains("Error {"), "{failure:?}");
}

#[test]
fn every_kind_of_trouble_has_the_exit_of_the_manual() {
    let path = || PathBuf::from("/home/ada/.gbak");
    check(HomeError::Missing { path: path() }, codes::NO_HOME, 10);
    check(EngineError::NoKeys { path: path() }, codes::NO_HOME, 10);
    check(HomeError::Busy { path: path(), pid: Some(7) }, codes::BUSY, 11);
    check(KeyFileError::PassphraseNeeded, codes::PASSPHRASE_NEEDED, 12);
    check(KeyFileError::WrongPassphrase, codes::PASSPHRASE_WRONG, 12);
    check(PhraseError::Checksum, codes::PHRASE_WRONG, 12);
    check(FlowError::NoPeers, codes::NO_PEERS, 21);
    check(FlowError::TooFewPeers { wanted: 12, usable: 9 }, codes::TOO_FEW_PEERS, 22);
    check(FlowError::NotWitnessed { confirmed: 1, asked: 4 }, codes::NOT_WITNESSED, 4);
    check(FlowError::Cancelled, codes::INTERRUPTED, 130);
    check(FlowError::Scan(ScanError::NotFound(path())), codes::SOURCE, 1);
    check(FlowError::Redundancy { text: "8".to_owned() }, codes::USAGE, 2);
    check(InviteError::Typo, codes::INVITE, 24);
    for refusal in [Refusal::InviteUsed, Refusal::InviteExpired, Refusal::InviteUnknown] {
        check(refusal, codes::INVITE, 24);
    }
    for refusal in [Refusal::WrongGrid, Refusal::NotAdmitted, Refusal::UnknownOwner] {
        check(refusal, codes::NOT_TRUSTED, 24);
    }
    check(Refusal::Full { free_bytes: 0 }, codes::REFUSED, 23);
    let peer = PeerId::from_bytes([1; 32]);
    check(GridError::Unreachable { peer }, codes::NO_PEERS, 21);
    let reason = Refusal::WrongGrid;
    check(GridError::NotAdmitted { peer, reason }, codes::NOT_TRUSTED, 24);
}

#[test]
fn a_busy_home_says_which_process_has_it() {
    let path = PathBuf::from("/home/ada/.gbak");
    let failure = Failure::from(HomeError::Busy { path, pid: Some(4711) });
    assert_eq!(failure.message, "/home/ada/.gbak is in use (process 4711)");
}

#[test]
fn causes_are_told_once() {
    let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
    let error = FlowError::Cache { source: full };
    assert_eq!(super::told(&error), "The metadata cache failed: no storage space");
    let transparent = EngineError::Home(HomeError::Missing { path: PathBuf::from("/x") });
    assert_eq!(super::told(&transparent), "No home at /x");
}
