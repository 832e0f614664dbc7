//! Promises of lending more and less while an agent runs.

use super::{Agent, founded, start};
use crate::api::setup::{Amount, Lend};
use crate::api::{Answer, Call, DiskView, DonateAct, DonateArgs, Failure, PathBytes, codes};
use crate::config::Config;

async fn donate(agent: &Agent, lend: Lend) -> Result<DiskView, Failure> {
    let args = DonateArgs { lend, ..DonateArgs::default() };
    Ok(changed(agent, args).await?.into_iter().next().unwrap())
}

async fn changed(agent: &Agent, args: DonateArgs) -> Result<Vec<DiskView>, Failure> {
    match agent.call(&Call::DonateSet(args)).await? {
        Answer::DonateSet(view) => Ok(view.disks),
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

fn on(act: DonateAct, path: &std::path::Path, lend: Lend) -> DonateArgs {
    DonateArgs { act, disks: vec![PathBytes(path.to_str().unwrap().into())], lend }
}

#[tokio::test]
async fn a_second_disk_is_lent_from_and_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let (root, _) = founded(&dir).await;
    let agent = Agent::start(&root).await;
    let more = dir.path().join("more");
    let twice = changed(&agent, on(DonateAct::Add, &more, size(1 << 20))).await.unwrap_err();
    assert_eq!(twice.code, codes::USAGE.name, "one disk is lent once: {twice:?}");
    // The home's disk lends nothing: then the folder beside it can.
    donate(&agent, size(0)).await.unwrap();
    let lend = Lend { min_free: Some(Amount::Bytes(1 << 21)), ..size(64 << 20) };
    let disks = changed(&agent, on(DonateAct::Add, &more, lend)).await.unwrap();
    assert_eq!(disks.len(), 2);
    assert_eq!((disks[1].donated_bytes, disks[1].floor_bytes), (64 << 20, 1 << 21));
    assert_eq!((disks[0].state.as_str(), disks[1].state.as_str()), ("off", "open"));
    let offer = agent.engine.swarm.members().hello().offer;
    assert_eq!(offer.donated_bytes, 64 << 20);
    let wrong = changed(&agent, on(DonateAct::Set, dir.path(), size(1))).await.unwrap_err();
    assert_eq!(wrong.code, codes::USAGE.name);
    let larger = changed(&agent, on(DonateAct::Shrink, &more, size(65 << 20))).await.unwrap_err();
    assert_eq!(larger.code, codes::USAGE.name);
    let huge = changed(&agent, on(DonateAct::Set, &more, size(1 << 60))).await.unwrap_err();
    assert_eq!(huge.code, codes::DONATION.name);
    let less = changed(&agent, on(DonateAct::Shrink, &more, size(32 << 20))).await.unwrap();
    assert_eq!(less[1].donated_bytes, 32 << 20);
    agent.stop().await;
    let agent = Agent::start(&root).await;
    let again = changed(&agent, on(DonateAct::Add, &more, size(1))).await.unwrap_err();
    assert_eq!(again.code, codes::USAGE.name, "a restart still lends it");
    let left = changed(&agent, on(DonateAct::Stop, &more, size(0))).await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(Config::load(&root.join("config.toml")).unwrap().donate.disks, []);
    agent.stop().await;
}

#[tokio::test]
async fn an_agent_starts_without_a_disk_that_is_away_and_writes_nothing_there() {
    let dir = tempfile::tempdir().unwrap();
    let (root, _) = founded(&dir).await;
    let agent = Agent::start(&root).await;
    donate(&agent, size(0)).await.unwrap();
    let more = dir.path().join("more");
    changed(&agent, on(DonateAct::Add, &more, size(1 << 20))).await.unwrap();
    agent.stop().await;
    std::fs::rename(&more, dir.path().join("away")).unwrap();
    std::fs::create_dir(&more).unwrap();
    let agent = Agent::start(&root).await;
    let Answer::Donate(view) = agent.call(&Call::Donate).await.unwrap() else { panic!() };
    assert_eq!(view.disks[1].state, "away");
    let refused = changed(&agent, on(DonateAct::Set, &more, size(2 << 20))).await.unwrap_err();
    assert_eq!(refused.code, codes::DISK.name);
    assert_eq!(std::fs::read_dir(&more).unwrap().count(), 0);
    agent.stop().await;
}
