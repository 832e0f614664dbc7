//! What is thought of holders and packs, and what follows from it, simulated.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gbak::care::{Policy, Rules, State, Verdict};
use gbak::flow::audit::audit;
use gbak::flow::check::check;
use gbak::flow::health::{self, health, look_around, settle};
use p2p::sim::Weather;
use p2p::{Refusal, Reply, Request};

use super::stories::{assert_same, grid, source, under};
use super::world::{Node, Twist, World};

/// The usual ones, for somebody who looks around once an hour.
pub(crate) fn rules() -> Rules {
    Rules { look_gap: Duration::from_secs(3600), ..Rules::default() }
}

/// Time goes by, and `ada` looks around every hour.
pub(crate) async fn passes(world: &World, ada: &Node, others: &[Node], hours: u64) {
    for _ in 0..hours {
        tokio::time::advance(Duration::from_secs(3600)).await;
        let all: Vec<&Node> = std::iter::once(ada).chain(others).collect();
        world.meet(&all).await;
        look_around(&ada.ctx, &rules()).unwrap();
    }
}

fn state(ada: &Node, of: &Node) -> State {
    health::holders(&ada.ctx).unwrap()[&of.peer()].standing.state()
}

#[tokio::test(start_paused = true)]
async fn what_lost_its_redundancy_is_stored_again_and_old_snapshots_are_read_as_far_as_they_go() {
    let world = World::new(60, Weather::calm());
    let (ada, others) = grid(&world, 5).await;
    let source = source(&world);
    ada.backup(&source).await.unwrap();
    let again = ada.backup(&source).await.unwrap();
    assert_eq!((again.counts.data_added, again.counts.files_unmodified), (0, 81));
    for other in &others[..3] {
        super::care::lose(&ada, other);
    }
    let lost = check(&ada.ctx, false).await.unwrap();
    assert!(lost.problems.iter().any(|found| found.message.contains("is lost")));
    assert!(health(&ada.ctx, Policy::default()).unwrap().lost > 0);
    // Nothing changed here, and yet everything is read and stored again (I13).
    let healing = ada.backup(&source).await.unwrap();
    assert!(healing.counts.data_added > 3_000_000, "{:?}", healing.counts);
    for (spec, name) in [("latest", "new"), ("latest~2", "old")] {
        let target = world.dir.path().join(name);
        let report = ada.restore(spec, &target).await.unwrap();
        assert_eq!(report.problems, Vec::new(), "{spec}");
        assert_same(&source, &under(&target, &source));
    }
    let calm = ada.backup(&source).await.unwrap();
    assert_eq!(calm.counts.data_added, 0, "and once is enough");
}

#[tokio::test(start_paused = true)]
async fn three_hours_move_nothing_and_twelve_days_make_holders_presumed_lost() {
    let world = World::new(61, Weather::calm());
    let (ada, others) = grid(&world, 5).await;
    let source = source(&world);
    ada.backup(&source).await.unwrap();
    passes(&world, &ada, &others, 1).await;
    let down = |down| others[..3].iter().for_each(|one| world.net.set_down(one.peer(), down));
    down(true);
    passes(&world, &ada, &others, 3).await;
    assert_eq!(settle(&ada.ctx).unwrap(), 0);
    let short = health(&ada.ctx, Policy::default()).unwrap();
    assert_eq!((short.total, short.due, short.lost), (short.full, 0, 0), "{short:?}");
    assert!(short.out_of_reach > 0, "which is said all the same: {short:?}");
    passes(&world, &ada, &others, 12 * 24).await;
    assert_eq!(state(&ada, &others[0]), State::PresumedLost);
    assert!(settle(&ada.ctx).unwrap() > 0);
    let long = health(&ada.ctx, Policy::default()).unwrap();
    assert!(long.lost > 0 && long.due >= long.lost, "{long:?}");
    // They are back: everything is read, although nothing is built upon them before they prove it.
    down(false);
    passes(&world, &ada, &others, 1).await;
    let target = world.dir.path().join("back");
    assert_eq!(ada.restore("latest", &target).await.unwrap().problems, Vec::new());
    assert_same(&source, &under(&target, &source));
    assert_eq!(state(&ada, &others[0]), State::PresumedLost);
    audit(&ada.ctx, None, &rules()).await.unwrap();
    assert_eq!(state(&ada, &others[0]), State::Present);
    let back = health(&ada.ctx, Policy::default()).unwrap();
    assert_eq!((back.full, back.due), (back.total, 0), "what comes back is counted in again");
    assert_eq!(ada.backup(&source).await.unwrap().counts.data_added, 0);
}

/// Claims everything and proves parts, but does not give a whole shard.
struct Hostage;

impl Twist for Hostage {
    fn reply(&self, request: &Request, reply: Reply) -> Reply {
        match request {
            Request::Get { .. } => Reply::Refused(Refusal::Rotten),
            _ => reply,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_proves_parts_and_gives_no_whole_shard_is_found_and_not_believed_again() {
    let world = World::new(62, Weather::calm());
    let ada = world.node(1, 1);
    let hostage = world.twisted(2, 1, Arc::new(Hostage));
    let honest: Vec<Node> = (3..6).map(|owner| world.node(owner, 1)).collect();
    let all: Vec<&Node> = [&ada, &hostage].into_iter().chain(&honest).collect();
    world.meet(&all).await;
    ada.backup(&source(&world)).await.unwrap();
    let known = |node: &Node| health::holders(&ada.ctx).unwrap().remove(&node.peer()).unwrap();
    let found = async || {
        audit(&ada.ctx, None, &rules()).await.unwrap();
        known(&hostage).withholds
    };
    let mut audits = 0;
    while !found().await {
        audits += 1;
        assert!(audits < 40, "one audit in four asks for a whole shard");
    }
    let now = gbak::clock::Clock::now_secs(&*ada.ctx.clock);
    assert!(known(&hostage).evidence.score(now).failed > 0);
    // From now on parts are not asked for, so that it cannot prove anything any more.
    let again = audit(&ada.ctx, Some(hostage.peer()), &rules()).await.unwrap();
    assert!(again.findings.iter().all(|found| found.verdict == Verdict::Refused), "{again:?}");
    let damaged = health(&ada.ctx, Policy::default()).unwrap();
    assert_eq!(damaged.full, 0, "its shards do not count");
    assert!(honest.iter().all(|one| known(one).evidence.score(now).failed == 0));
}

/// Says that it has everything, and gives nothing of what it lost.
struct Claims(Mutex<BTreeSet<chunker::ShardId>>);

impl Twist for Claims {
    fn reply(&self, request: &Request, reply: Reply) -> Reply {
        let mut lost = self.0.lock().unwrap();
        match request {
            Request::Put { shard, .. } if shard.as_bytes()[0].is_multiple_of(2) => {
                lost.insert(*shard);
                reply
            }
            Request::Slice { shard, .. } | Request::Get { shard } if lost.contains(shard) => {
                Reply::Refused(Refusal::UnknownShard)
            }
            _ => reply,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_fails_one_challenge_is_asked_for_every_shard() {
    let world = World::new(63, Weather::calm());
    let ada = world.node(1, 1);
    let claims = Arc::new(Claims(Mutex::default()));
    let liar = world.twisted(2, 1, claims.clone());
    let others = [world.node(3, 1), world.node(4, 1)];
    world.meet(&[&ada, &liar, &others[0], &others[1]]).await;
    let root = world.dir.path().join("source");
    std::fs::create_dir(&root).unwrap();
    for round in 0..50 {
        std::fs::write(root.join(format!("file-{round}")), format!("round {round}")).unwrap();
        ada.backup(&root).await.unwrap();
    }
    let report = audit(&ada.ctx, Some(liar.peer()), &rules()).await.unwrap();
    let failed: BTreeSet<_> = report
        .findings
        .iter()
        .filter(|one| one.verdict.is_failure())
        .collect::<Vec<_>>()
        .into_iter()
        .map(|one| one.shard)
        .collect();
    assert!(report.findings.len() > 100, "{}", report.findings.len());
    assert_eq!(failed, *claims.0.lock().unwrap(), "all that is gone, and nothing else");
}
