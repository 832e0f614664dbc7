//! The main job and its accidents, simulated.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use gbak::demo::compare::compare;
use gbak::flow::{FlowError, recover};
use p2p::sim::Weather;
use p2p::{Reply, Request};

use super::world::{Node, Twist, World};

/// A tree with enough in it to make several packs.
pub(crate) fn source(world: &World) -> PathBuf {
    let root = world.dir.path().join("source");
    fs::create_dir_all(root.join("deep/er")).unwrap();
    for n in 0..40_u32 {
        let mut bytes = vec![0; 20_000 + n as usize * 3_000];
        blake3::Hasher::new().update(&n.to_le_bytes()).finalize_xof().fill(&mut bytes);
        fs::write(root.join(format!("deep/file-{n}")), &bytes).unwrap();
        fs::write(root.join(format!("deep/er/text-{n}")), format!("line {n}\n").repeat(200))
            .unwrap();
    }
    fs::write(root.join("empty"), "").unwrap();
    std::os::unix::fs::symlink("deep/file-1", root.join("link")).unwrap();
    root
}

pub(crate) fn assert_same(left: &Path, right: &Path) {
    let comparison = compare(left, right).unwrap();
    assert_eq!(comparison.differences, Vec::<String>::new());
    assert!(comparison.entries > 0);
}

/// Where `restore latest` puts the source below its target.
pub(crate) fn under(target: &Path, source: &Path) -> PathBuf {
    target.join(source.strip_prefix("/").unwrap())
}

pub(crate) async fn grid(world: &World, holders: u64) -> (Node, Vec<Node>) {
    let ada = world.node(1, 1);
    let others: Vec<Node> = (0..holders).map(|n| world.node(10 + n, 1)).collect();
    let all: Vec<&Node> = std::iter::once(&ada).chain(&others).collect();
    world.meet(&all).await;
    (ada, others)
}

#[tokio::test(start_paused = true)]
async fn a_lost_source_and_two_lost_holders_cost_no_file() {
    let world = World::new(1, Weather::calm());
    let (ada, others) = grid(&world, 5).await;
    let source = source(&world);
    let report = ada.backup(&source).await.unwrap();
    assert_eq!(report.problems, Vec::new());
    assert_eq!((report.code.to_string().as_str(), report.queued_packs), ("3+2", 0));
    for lost in &others[..2] {
        world.net.set_down(lost.peer(), true);
    }
    world.net.set_down(ada.peer(), true);
    let new = world.node(1, 2);
    let rest: Vec<&Node> = std::iter::once(&new).chain(&others[2..]).collect();
    world.meet(&rest).await;
    let found = recover::recover(&new.ctx).await.unwrap();
    assert_eq!((found.snapshots, found.head_seq, found.asked, found.confirmed), (1, 1, 3, 3));
    assert_eq!(found.warnings, Vec::<String>::new());
    let target = world.dir.path().join("restored");
    let restored = new.restore("latest", &target).await.unwrap();
    assert_eq!(restored.problems, Vec::new());
    assert_same(&source, &under(&target, &source));
}

#[tokio::test(start_paused = true)]
async fn the_second_backup_reads_and_sends_next_to_nothing() {
    let world = World::new(2, Weather::calm());
    let (ada, _others) = grid(&world, 4).await;
    let source = source(&world);
    let first = ada.backup(&source).await.unwrap();
    assert!(first.counts.files_new > 80 && first.counts.data_added > 3_000_000);
    let second = ada.backup(&source).await.unwrap();
    assert_eq!((second.counts.files_new, second.counts.files_changed), (0, 0));
    assert_eq!(second.counts.data_added, 0);
    fs::write(source.join("deep/file-1"), "changed").unwrap();
    let third = ada.backup(&source).await.unwrap();
    assert_eq!((third.counts.files_new, third.counts.files_changed), (0, 1));
    assert_eq!(third.counts.data_added, 7);
}

#[tokio::test(start_paused = true)]
async fn a_recovered_device_dedups_against_the_old_ones_packs() {
    let world = World::new(3, Weather::calm());
    let (ada, others) = grid(&world, 4).await;
    let source = source(&world);
    ada.backup(&source).await.unwrap();
    world.net.set_down(ada.peer(), true);
    let new = world.node(1, 2);
    let rest: Vec<&Node> = std::iter::once(&new).chain(&others).collect();
    world.meet(&rest).await;
    recover::recover(&new.ctx).await.unwrap();
    let report = new.backup(&source).await.unwrap();
    assert_eq!(report.counts.data_added, 0);
    assert_eq!(report.counts.files_unmodified, report.counts.files());
}

/// One history: what is backed up and how the grid behaves, so every message, follow from the seed.
async fn history(seed: u64, source: &Path) -> [u8; 32] {
    let world = World::new(seed, Weather::stormy());
    let (ada, _others) = grid(&world, 6).await;
    for _ in 0..3 {
        // In a storm a backup may find too few peers; that is part of the history.
        drop(ada.backup(source).await);
    }
    world.net.trace_hash()
}

/// The times of a directory and all above it: they are part of what is backed up.
fn times(path: &Path) -> Vec<(i64, i64, i64, i64)> {
    use std::os::unix::fs::MetadataExt;
    let time =
        |meta: fs::Metadata| (meta.mtime(), meta.mtime_nsec(), meta.ctime(), meta.ctime_nsec());
    path.ancestors().map(|path| time(fs::metadata(path).unwrap())).collect()
}

#[tokio::test(start_paused = true)]
async fn a_seed_replays_its_history_exactly() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("chunker/src");
    for _ in 0..50 {
        let before = times(&source);
        let one = history(7, &source).await;
        let (two, other) = (history(7, &source).await, history(8, &source).await);
        if times(&source) == before {
            assert_eq!(one, two, "seed 7");
            assert_ne!(one, other);
            return;
        }
        // Somebody made a file beside one of the directories: other input, other history.
    }
    panic!("the source never kept still");
}

/// Gives back other bytes than it was given.
struct Liar {
    lies: AtomicU64,
}

impl Twist for Liar {
    fn reply(&self, request: &Request, reply: Reply) -> Reply {
        match (request, reply) {
            (Request::Get { .. }, Reply::Shard { body }) => {
                self.lies.fetch_add(1, Ordering::SeqCst);
                let mut wrong = body.to_vec();
                if let Some(byte) = wrong.get_mut(100) {
                    *byte ^= 1;
                }
                Reply::Shard { body: wrong.into() }
            }
            (_, reply) => reply,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn wrong_bytes_are_rejected_the_holder_named_and_another_used() {
    let world = World::new(4, Weather::calm());
    let ada = world.node(1, 1);
    let liar = Arc::new(Liar { lies: AtomicU64::new(0) });
    let bad = world.twisted(2, 1, liar.clone());
    let others: Vec<Node> = (0..4).map(|n| world.node(10 + n, 1)).collect();
    let all: Vec<&Node> = [&ada, &bad].into_iter().chain(&others).collect();
    world.meet(&all).await;
    let source = source(&world);
    ada.backup(&source).await.unwrap();
    let target = world.dir.path().join("restored");
    let report = ada.restore("latest", &target).await.unwrap();
    assert_eq!(report.problems, Vec::new());
    assert_same(&source, &under(&target, &source));
    let seen = ada.monitor.seen();
    assert!(liar.lies.load(Ordering::SeqCst) > 0, "the liar was asked");
    let named =
        |problem: &gbak::monitor::Problem| problem.message.contains(&bad.peer().to_string());
    assert!(seen.problems.iter().any(named), "{:?}", seen.problems);
}

#[tokio::test(start_paused = true)]
async fn with_too_few_peers_nothing_is_sent_and_nothing_claimed() {
    let world = World::new(5, Weather::calm());
    let (ada, others) = grid(&world, 1).await;
    let source = source(&world);
    let error = ada.backup(&source).await.unwrap_err();
    assert!(matches!(error, FlowError::TooFewPeers { wanted: 2, usable: 1 }), "{error}");
    assert_eq!(others[0].shelf.usage().unwrap().shards, 0);
    assert_eq!(ada.ctx.catalog.snapshots().unwrap(), Vec::new());
}

#[tokio::test(start_paused = true)]
async fn a_spooled_backup_reaches_the_grid_when_peers_are_back() {
    let world = World::new(6, Weather::calm());
    let (ada, others) = grid(&world, 4).await;
    for other in &others {
        world.net.set_down(other.peer(), true);
    }
    let source = source(&world);
    let report = ada.backup_with(&source, |plan| plan.spool = true).await.unwrap();
    assert!(report.snapshot_queued && report.queued_packs > 0);
    for other in &others {
        world.net.set_down(other.peer(), false);
    }
    let all: Vec<&Node> = std::iter::once(&ada).chain(&others).collect();
    world.meet(&all).await;
    assert!(!gbak::flow::backup::catch_up(&ada.ctx).await.unwrap());
    world.net.set_down(ada.peer(), true);
    let new = world.node(1, 2);
    let rest: Vec<&Node> = std::iter::once(&new).chain(&others).collect();
    world.meet(&rest).await;
    assert_eq!(recover::recover(&new.ctx).await.unwrap().snapshots, 1);
    let target = world.dir.path().join("restored");
    new.restore("latest", &target).await.unwrap();
    assert_same(&source, &under(&target, &source));
}

#[tokio::test(start_paused = true)]
async fn a_deleted_catalog_comes_back_from_the_grid() {
    let world = World::new(9, Weather::calm());
    let (ada, _others) = grid(&world, 4).await;
    let source = source(&world);
    ada.backup(&source).await.unwrap();
    let chunks = ada.ctx.catalog.chunk_count().unwrap();
    ada.ctx.catalog.clear().unwrap();
    assert_eq!(recover::rebuild(&ada.ctx).await.unwrap().snapshots, 1);
    assert_eq!(ada.ctx.catalog.chunk_count().unwrap(), chunks);
    fs::write(source.join("new"), "new").unwrap();
    let report = ada.backup(&source).await.unwrap();
    assert_eq!((report.counts.data_added, report.counts.files_new), (3, 1));
    assert_eq!(ada.ctx.catalog.snapshots().unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_home_that_was_rolled_back_is_noticed() {
    let world = World::new(10, Weather::calm());
    let (ada, _others) = grid(&world, 4).await;
    let source = source(&world);
    ada.backup(&source).await.unwrap();
    let old: Vec<(&str, Vec<u8>)> = ["head", "manifest"]
        .into_iter()
        .map(|key| (key, ada.ctx.catalog.get(key).unwrap().unwrap()))
        .collect();
    fs::write(source.join("new"), "new").unwrap();
    ada.backup(&source).await.unwrap();
    for (key, value) in old {
        ada.ctx.catalog.set(key, &value).unwrap();
    }
    fs::write(source.join("newer"), "newer").unwrap();
    let error = ada.backup(&source).await.unwrap_err();
    assert!(matches!(error, FlowError::Forked { seq: 2 }), "{error}");
}

/// Keeps what it receives.
#[derive(Default)]
struct Tap {
    received: std::sync::Mutex<Vec<Vec<u8>>>,
}

impl Twist for Tap {
    fn reply(&self, request: &Request, reply: Reply) -> Reply {
        let bytes = match request {
            Request::Put { body, .. } => body.to_vec(),
            Request::HeadPut { head } => head.clone(),
            other => format!("{other:?}").into_bytes(),
        };
        self.received.lock().unwrap().push(bytes);
        reply
    }
}

#[tokio::test(start_paused = true)]
async fn a_holder_receives_no_name_no_content_and_no_size_of_the_source() {
    let world = World::new(11, Weather::calm());
    let ada = world.node(1, 1);
    let tap = Arc::new(Tap::default());
    let spy = world.twisted(2, 1, tap.clone());
    let other = world.node(3, 1);
    world.meet(&[&ada, &spy, &other]).await;
    let root = world.dir.path().join("source");
    fs::create_dir(&root).unwrap();
    let (name, content) = ("tax return of Ada", "the secret of the recipe is cardamom");
    fs::write(root.join(name), content.repeat(50)).unwrap();
    fs::write(root.join("big"), vec![b'x'; 3_000_017]).unwrap();
    ada.backup(&root).await.unwrap();
    let received = tap.received.lock().unwrap();
    assert!(received.iter().map(Vec::len).sum::<usize>() > 250_000);
    let has = |needle: &[u8]| {
        received.iter().any(|bytes| bytes.windows(needle.len()).any(|window| window == needle))
    };
    for secret in [name, "cardamom", "source", "tester", "xxxxxxxx"] {
        assert!(!has(secret.as_bytes()), "{secret} went out in plaintext");
    }
    // Whole packs as replicas: the only sizes there are.
    let shelf = spy.medium.paths().into_iter().filter(|path| path.starts_with("shards/"));
    for path in shelf {
        let len = store::Medium::len(&*spy.medium, &path).unwrap().unwrap();
        assert!(chunker::PACK_SIZES.contains(&(len as usize)), "a shard of {len} bytes");
    }
}

#[tokio::test(start_paused = true)]
async fn snapshots_of_every_device_come_back_however_often_it_was_lost() {
    let world = World::new(12, Weather::calm());
    let (ada, others) = grid(&world, 4).await;
    let source = source(&world);
    let first = ada.backup(&source).await.unwrap().snapshot.unwrap();
    world.net.set_down(ada.peer(), true);
    let second = world.node(1, 2);
    let all: Vec<&Node> = std::iter::once(&second).chain(&others).collect();
    world.meet(&all).await;
    recover::recover(&second.ctx).await.unwrap();
    fs::write(source.join("new"), "made on the second device").unwrap();
    second.backup(&source).await.unwrap();
    world.net.set_down(second.peer(), true);
    let third = world.node(1, 3);
    let all: Vec<&Node> = std::iter::once(&third).chain(&others).collect();
    world.meet(&all).await;
    let found = recover::recover(&third.ctx).await.unwrap();
    assert_eq!((found.snapshots, found.devices), (2, 2), "{:?}", found.warnings);
    let target = world.dir.path().join("newest");
    third.restore("latest", &target).await.unwrap();
    assert_same(&source, &under(&target, &source));
    fs::remove_file(source.join("new")).unwrap();
    let target = world.dir.path().join("oldest");
    third.restore(&first.to_string(), &target).await.unwrap();
    assert_same(&source, &under(&target, &source));
}

#[tokio::test(start_paused = true)]
async fn half_the_witnesses_gone_is_said_and_a_rebuild_counts_those_that_are_left() {
    let world = World::new(13, Weather::calm());
    let (ada, others) = grid(&world, 4).await;
    let source = source(&world);
    ada.backup(&source).await.unwrap();
    for gone in &others[..2] {
        world.net.set_down(gone.peer(), true);
    }
    fs::write(source.join("new"), "new").unwrap();
    let error = ada.backup(&source).await.unwrap_err();
    assert!(matches!(error, FlowError::NotWitnessed { confirmed: 2, asked: 4 }), "{error}");
    recover::rebuild(&ada.ctx).await.unwrap();
    fs::write(source.join("newer"), "newer").unwrap();
    let report = ada.backup(&source).await.unwrap();
    assert_eq!(report.witnesses, (2, 2));
    let target = world.dir.path().join("restored");
    ada.restore("latest", &target).await.unwrap();
    assert_same(&source, &under(&target, &source));
}

#[tokio::test(start_paused = true)]
async fn a_restore_that_reaches_nobody_says_so_and_writes_nothing() {
    let world = World::new(14, Weather::calm());
    let (ada, others) = grid(&world, 3).await;
    let source = source(&world);
    ada.backup(&source).await.unwrap();
    for other in &others {
        world.net.set_down(other.peer(), true);
    }
    let target = world.dir.path().join("restored");
    let error = ada.restore("latest", &target).await.unwrap_err();
    assert!(matches!(error, FlowError::NoPeers), "{error}");
    assert!(!target.exists());
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_whose_queued_packs_are_gone_never_becomes_visible() {
    let world = World::new(15, Weather::calm());
    let (ada, others) = grid(&world, 3).await;
    for other in &others {
        world.net.set_down(other.peer(), true);
    }
    let source = source(&world);
    let report = ada.backup_with(&source, |plan| plan.spool = true).await.unwrap();
    assert!(report.snapshot_queued);
    for pack in ada.ctx.spool.list() {
        ada.ctx.spool.remove(&pack).unwrap();
    }
    for other in &others {
        world.net.set_down(other.peer(), false);
    }
    let all: Vec<&Node> = std::iter::once(&ada).chain(&others).collect();
    world.meet(&all).await;
    // Whether it says so as an error or by a warning: nothing may be published.
    drop(gbak::flow::backup::catch_up(&ada.ctx).await);
    assert_eq!(ada.ctx.catalog.snapshots().unwrap(), Vec::new());
    assert!(ada.monitor.seen().warnings.iter().any(|warning| warning.contains("back up again")));
    let again = ada.backup(&source).await.unwrap();
    assert!(again.counts.data_added > 3_000_000, "everything is read and sent again");
    let target = world.dir.path().join("restored");
    ada.restore("latest", &target).await.unwrap();
    assert_same(&source, &under(&target, &source));
}

#[tokio::test(start_paused = true)]
async fn data_that_no_holder_has_any_more_is_called_lost_and_not_just_away() {
    let world = World::new(16, Weather::calm());
    let (ada, others) = grid(&world, 3).await;
    let source = source(&world);
    ada.backup(&source).await.unwrap();
    for other in &others {
        for path in other.medium.paths().into_iter().filter(|path| path.starts_with("shards/")) {
            store::Medium::remove(&*other.medium, &path).unwrap();
        }
    }
    let target = world.dir.path().join("restored");
    let report = ada.restore("latest", &target).await.unwrap();
    assert!(report.lost_packs > 0 && !report.problems.is_empty(), "{report:?}");
}

/// Claims that another head exists, of which it can show nothing.
struct Slanderer;

impl Twist for Slanderer {
    fn reply(&self, request: &Request, reply: Reply) -> Reply {
        match request {
            Request::HeadPut { .. } => Reply::Refused(p2p::Refusal::ForkedHead),
            Request::HeadGet => Reply::Heads { heads: Vec::new(), ages: Vec::new() },
            _ => reply,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn one_holder_that_claims_a_fork_without_proof_stops_no_backup() {
    let world = World::new(17, Weather::calm());
    let ada = world.node(1, 1);
    let bad = world.twisted(2, 1, Arc::new(Slanderer));
    let others: Vec<Node> = (0..4).map(|n| world.node(10 + n, 1)).collect();
    let all: Vec<&Node> = [&ada, &bad].into_iter().chain(&others).collect();
    world.meet(&all).await;
    let report = ada.backup(&source(&world)).await.unwrap();
    assert_eq!(report.witnesses, (5, 4));
}

#[tokio::test(start_paused = true)]
async fn a_rebuild_from_peers_that_lack_the_newest_head_is_refused_and_changes_nothing() {
    let world = World::new(18, Weather::calm());
    let (ada, others) = grid(&world, 5).await;
    let source = source(&world);
    ada.backup(&source).await.unwrap();
    for away in &others[..2] {
        world.net.set_down(away.peer(), true);
    }
    fs::write(source.join("new"), "new").unwrap();
    ada.backup(&source).await.unwrap();
    for (n, other) in others.iter().enumerate() {
        world.net.set_down(other.peer(), n >= 2);
    }
    world.meet(&[&ada, &others[0], &others[1]]).await;
    let before = (ada.ctx.catalog.get("head").unwrap(), ada.ctx.catalog.chunk_count().unwrap());
    let error = recover::rebuild(&ada.ctx).await.unwrap_err();
    assert!(matches!(error, FlowError::HeadBehind { mine: 2, found: 1 }), "{error}");
    let after = (ada.ctx.catalog.get("head").unwrap(), ada.ctx.catalog.chunk_count().unwrap());
    assert_eq!(before, after);
    assert_eq!(ada.ctx.catalog.snapshots().unwrap().len(), 2);
}
