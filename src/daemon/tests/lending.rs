//! Promises of lending more and less while an agent runs.

use super::{Agent, founded, start};
use crate::api::setup::{Amount, Lend};
use crate::api::{Answer, Call, DiskView, Failure, codes};
use crate::config::Config;

async fn donate(agent: &Agent, lend: Lend) -> Result<DiskView, Failure> {
    match agent.call(&Call::DonateSet(lend)).await? {
        Answer::DonateSet(view) => Ok(view.disks.into_iter().next().unwrap()),
        other => panic!("{other:?}"),
    }
}

async fn shown(agent: &Agent) -> DiskView {
    match agent.call(&Call::Donate).await.unwrap() {
        Answer::Donate(view) => view.disks.into_iter().next().unwrap(),
        other => panic!("{other:?}"),
    }
}

fn size(bytes: u64) -> Lend {
    Lend { donate: Some(Amount::Bytes(bytes)), ..Lend::default() }
}

#[tokio::test]
async fn a_new_split_holds_at_once_and_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (root, _) = founded(&dir).await;
    let agent = Agent::start(&root).await;
    assert_eq!(shown(&agent).await.donated_bytes, 1 << 30);
    let lend =
        Lend { min_free: Some(Amount::Bytes(1 << 21)), safe_area: Some(1 << 20), ..size(64 << 20) };
    let set = donate(&agent, lend).await.unwrap();
    assert_eq!(
        (set.donated_bytes, set.floor_bytes, set.safe_area_bytes),
        (64 << 20, 1 << 21, 1 << 20)
    );
    assert_eq!((set.state.as_str(), set.available_bytes), ("open", 64 << 20));
    assert_eq!(set.total_bytes, set.reserved_bytes + set.donated_bytes);
    let offer = agent.engine.swarm().members().hello().offer;
    assert_eq!((offer.donated_bytes, offer.free_bytes), (64 << 20, 64 << 20));
    // What was not said again stays.
    let less = donate(&agent, size(32 << 20)).await.unwrap();
    assert_eq!(
        (less.donated_bytes, less.floor_bytes, less.safe_area_bytes),
        (32 << 20, 1 << 21, 1 << 20)
    );
    agent.stop().await;
    let engine = start(&root, None).await.unwrap();
    assert_eq!(engine.host().shelf().donation().size_bytes, 32 << 20);
    engine.stop().await;
}

#[tokio::test]
async fn a_split_the_disk_cannot_carry_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (root, _) = founded(&dir).await;
    let agent = Agent::start(&root).await;
    let before = Config::load(&root.join("config.toml")).unwrap();
    let whole = shown(&agent).await.total_bytes;
    for lend in [
        size(whole + 1),
        Lend { safe_area: Some(whole), ..size(1) },
        Lend { min_free: Some(Amount::Percent(100.0)), ..size(1) },
    ] {
        let failure = donate(&agent, lend).await.unwrap_err();
        assert_eq!((failure.code.as_str(), failure.exit), (codes::DONATION.name, 25));
    }
    assert_eq!(Config::load(&root.join("config.toml")).unwrap(), before);
    assert_eq!(agent.engine.host().shelf().donation().size_bytes, 1 << 30);
    agent.stop().await;
}
