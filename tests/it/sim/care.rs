//! Whether what is stored is still there, simulated.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use gbak::care::{Rules, Score, Verdict};
use gbak::entropy::SeededEntropy;
use gbak::flow::audit::{self, AuditReport, SAMPLES};
use gbak::flow::check::{CheckReport, Grade, Sample, check};
use gbak::flow::health::holders;
use gbak::flow::{Ctx, FlowError};
use gbak::vault::index::PackRecord;
use p2p::Grid;
use p2p::sim::Weather;
use p2p::{PeerId, Refusal, Reply, Request};

use super::stories::{grid, source};
use super::world::{Node, Twist, World};

/// Takes a holder's files away behind its back: it still believes that it has them.
fn wipe(holder: &Node) {
    for path in holder.medium.paths().into_iter().filter(|path| path.starts_with("shards/")) {
        store::Medium::remove(&*holder.medium, &path).unwrap();
    }
}

/// The same, and the holder has noticed.
pub(crate) fn lose(owner: &Node, holder: &Node) {
    wipe(holder);
    let each = |row: &store::PackRow| {
        let record = PackRecord::decode_stored(&row.record)?;
        for shard in record.shards.iter().filter(|shard| shard.holder == Some(holder.peer())) {
            assert!(holder.shelf.get(owner.ctx.device.owner(), shard.id).is_err());
        }
        Ok::<(), FlowError>(())
    };
    owner.ctx.catalog.for_each_pack(each).unwrap();
}

async fn audit<G: Grid>(ctx: &Ctx<G>, only: Option<p2p::PeerId>) -> Result<AuditReport, FlowError> {
    audit::audit(ctx, only, &Rules::default()).await
}

fn named(report: &CheckReport) -> BTreeSet<p2p::PeerId> {
    report.problems.iter().flat_map(|problem| problem.holders.clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_healthy_grid_checks_without_a_problem_also_when_all_of_it_is_read() {
    let world = World::new(40, Weather::calm());
    let (ada, _others) = grid(&world, 5).await;
    let source = source(&world);
    ada.backup(&source).await.unwrap();
    std::fs::write(source.join("new"), "new").unwrap();
    ada.backup(&source).await.unwrap();
    let looked = check(&ada.ctx, false).await.unwrap();
    assert_eq!((looked.problems.len(), looked.snapshots), (0, 2), "{:?}", looked.problems);
    assert_eq!((looked.missing, looked.unconfirmed, looked.bytes_read), (0, 0, 0));
    assert!(looked.packs > 2 && looked.confirmed > looked.packs, "{looked:?}");
    let read = check(&ada.ctx, true).await.unwrap();
    let mut parts = 0;
    for part in 1..=3 {
        parts += check(&ada.ctx, Sample::Part { part, of: 3 }).await.unwrap().bytes_read;
    }
    assert_eq!(parts, read.bytes_read, "three thirds are everything");
    assert_eq!(read.problems, Vec::new());
    assert_eq!((read.packs, read.chunks), (looked.packs, looked.chunks));
    assert!(read.bytes_read > 3_000_000, "{read:?}");
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_lost_its_shards_is_named_and_all_can_still_be_restored() {
    let world = World::new(41, Weather::calm());
    let (ada, others) = grid(&world, 5).await;
    ada.backup(&source(&world)).await.unwrap();
    lose(&ada, &others[2]);
    let report = check(&ada.ctx, false).await.unwrap();
    assert_eq!(report.worst(), Some(Grade::Damage), "{:?}", report.problems);
    assert!(report.problems.iter().all(|problem| problem.grade == Grade::Damage));
    assert_eq!(named(&report), BTreeSet::from([others[2].peer()]));
    assert!(report.missing > 0 && report.problems.iter().any(|problem| problem.files_total > 0));
}

#[tokio::test(start_paused = true)]
async fn too_many_lost_shards_are_data_loss_and_the_files_are_named() {
    let world = World::new(42, Weather::calm());
    let (ada, others) = grid(&world, 5).await;
    let source = source(&world);
    ada.backup(&source).await.unwrap();
    for other in &others[..3] {
        lose(&ada, other);
    }
    let report = check(&ada.ctx, false).await.unwrap();
    assert_eq!(report.worst(), Some(Grade::Loss), "{:?}", report.problems);
    assert_eq!(report.problems[0].grade, Grade::Loss, "the worst comes first");
    let lost: Vec<_> = report.problems.iter().filter(|found| found.grade == Grade::Loss).collect();
    let files: BTreeSet<_> = lost.iter().flat_map(|found| found.files.clone()).collect();
    let big = source.join("deep/file-39").into_os_string().into_encoded_bytes();
    assert!(files.contains(&big), "{files:?}");
    assert_eq!(named(&report), others[..3].iter().map(Node::peer).collect());
}

#[tokio::test(start_paused = true)]
async fn holders_that_are_away_have_lost_nothing() {
    let world = World::new(43, Weather::calm());
    let (ada, others) = grid(&world, 5).await;
    ada.backup(&source(&world)).await.unwrap();
    let meet = async || {
        let all: Vec<&Node> = std::iter::once(&ada).chain(&others).collect();
        world.meet(&all).await;
    };
    world.net.set_down(others[0].peer(), true);
    meet().await;
    let one = check(&ada.ctx, true).await.unwrap();
    assert_eq!(one.problems, Vec::new());
    assert!(one.unconfirmed > 0, "{one:?}");
    for other in &others[1..3] {
        world.net.set_down(other.peer(), true);
    }
    meet().await;
    for read_data in [false, true] {
        let three = check(&ada.ctx, read_data).await.unwrap();
        assert_eq!(three.worst(), Some(Grade::OutOfReach), "{:?}", three.problems);
        assert_eq!((three.missing, named(&three)), (0, BTreeSet::new()));
    }
}

#[tokio::test(start_paused = true)]
async fn only_reading_finds_what_holders_do_not_know_that_they_lost() {
    let world = World::new(44, Weather::calm());
    let (ada, others) = grid(&world, 5).await;
    ada.backup(&source(&world)).await.unwrap();
    others[..3].iter().for_each(wipe);
    let looked = check(&ada.ctx, false).await.unwrap();
    assert_eq!(looked.problems, Vec::new());
    let read = check(&ada.ctx, true).await.unwrap();
    assert_eq!(read.worst(), Some(Grade::Loss), "{:?}", read.problems);
}

#[tokio::test(start_paused = true)]
async fn packs_that_wait_here_for_holders_are_said_and_are_not_lost() {
    let world = World::new(45, Weather::calm());
    let (ada, others) = grid(&world, 4).await;
    for other in &others {
        world.net.set_down(other.peer(), true);
    }
    ada.backup_with(&source(&world), |plan| plan.spool = true).await.unwrap();
    let queued = check(&ada.ctx, true).await.unwrap();
    assert_eq!(queued.worst(), Some(Grade::Damage), "{:?}", queued.problems);
    assert!(queued.problems.iter().all(|found| found.message.contains("wait on this machine")));
    for pack in ada.ctx.spool.list() {
        ada.ctx.spool.remove(&pack).unwrap();
    }
    let gone = check(&ada.ctx, false).await.unwrap();
    assert_eq!(gone.worst(), Some(Grade::Loss), "{:?}", gone.problems);
}

fn verdicts(report: &AuditReport, of: &Node) -> BTreeMap<Verdict, usize> {
    let mut counts = BTreeMap::new();
    for finding in report.findings.iter().filter(|finding| finding.peer == of.peer()) {
        *counts.entry(finding.verdict).or_default() += 1;
    }
    counts
}

/// Answers slices with something else.
struct Forger<F>(F);

impl<F: Fn(&Request, Reply) -> Reply + Send + Sync + 'static> Twist for Forger<F> {
    fn reply(&self, request: &Request, reply: Reply) -> Reply {
        if matches!(request, Request::Slice { .. }) { self.0(request, reply) } else { reply }
    }
}

#[tokio::test(start_paused = true)]
async fn five_kinds_of_holders_get_five_verdicts() {
    let world = World::new(50, Weather::calm());
    let ada = world.node(1, 1);
    let honest = world.node(2, 1);
    let liar = world.twisted(
        3,
        1,
        Arc::new(Forger(|_: &Request, reply| match reply {
            Reply::Slice { body } => {
                let mut wrong = body.to_vec();
                *wrong.last_mut().unwrap() ^= 1;
                Reply::Slice { body: wrong.into() }
            }
            other => other,
        })),
    );
    let asked = Arc::new(Mutex::new(Vec::new()));
    let noted = asked.clone();
    let staller = world.twisted(
        4,
        1,
        Arc::new(Forger(move |request: &Request, _| {
            noted.lock().unwrap().push(request.clone());
            Reply::Refused(Refusal::Busy)
        })),
    );
    let (forgetful, down) = (world.node(5, 1), world.node(6, 1));
    world.meet(&[&ada, &honest, &liar, &staller, &forgetful, &down]).await;
    ada.backup(&source(&world)).await.unwrap();
    wipe(&forgetful);
    world.net.set_down(down.peer(), true);
    let report = audit(&ada.ctx, None).await.unwrap();
    let all = |node: &Node, verdict: Verdict| {
        let counts = verdicts(&report, node);
        assert_eq!(counts.keys().collect::<Vec<_>>(), [&verdict], "{counts:?}");
        counts[&verdict]
    };
    let proved = all(&honest, Verdict::Proved);
    assert!(proved > 2 && all(&liar, Verdict::Wrong) > 2);
    assert!(all(&forgetful, Verdict::Refused) > 2);
    assert_eq!(all(&down, Verdict::Unreachable), 1);
    // Stalling buys no other question: the very same comes three times.
    let slow = all(&staller, Verdict::Slow);
    let asked = std::mem::take(&mut *asked.lock().unwrap());
    assert_eq!(asked.len(), 3 * slow);
    assert!(asked.chunks(3).all(|same| same[0] == same[1] && same[1] == same[2]), "{asked:?}");
    let scores = || -> BTreeMap<PeerId, Score> {
        let now = ada.ctx.clock.now_secs();
        let all = holders(&ada.ctx).unwrap().into_iter();
        all.map(|(peer, known)| (peer, known.evidence.score(now))).collect()
    };
    let score = scores();
    assert_eq!(score[&honest.peer()], Score { proved: proved as u64, failed: 0 });
    assert!(score[&liar.peer()].failed > 2 && score[&liar.peer()].proved == 0);
    assert_eq!((score[&down.peer()], score[&staller.peer()]), Default::default());
    let one = audit(&ada.ctx, Some(honest.peer())).await.unwrap();
    assert!(one.findings.iter().all(|finding| finding.peer == honest.peer()));
    assert_eq!(scores()[&honest.peer()].proved, 2 * proved as u64);
}

#[tokio::test(start_paused = true)]
async fn a_disk_away_or_a_peer_that_knows_no_slices_is_not_accused() {
    let world = World::new(51, Weather::calm());
    let ada = world.node(1, 1);
    let away = Forger(|_: &Request, _| Reply::Refused(Refusal::DiskAway));
    let old = Forger(|_: &Request, _| Reply::Refused(Refusal::Unsupported));
    let nodes = [world.twisted(2, 1, Arc::new(away)), world.twisted(3, 1, Arc::new(old))];
    let third = world.node(4, 1);
    world.meet(&[&ada, &nodes[0], &nodes[1], &third]).await;
    ada.backup(&source(&world)).await.unwrap();
    let report = audit(&ada.ctx, None).await.unwrap();
    for node in &nodes {
        assert_eq!(verdicts(&report, node), BTreeMap::from([(Verdict::Unreachable, 1)]));
    }
    assert_eq!(report.lost_packs, 0);
}

#[tokio::test(start_paused = true)]
async fn an_audit_that_finds_too_much_gone_says_how_many_packs_are_lost() {
    let world = World::new(52, Weather::calm());
    let (ada, others) = grid(&world, 5).await;
    ada.backup(&source(&world)).await.unwrap();
    assert_eq!(audit(&ada.ctx, None).await.unwrap().lost_packs, 0);
    others[..2].iter().for_each(wipe);
    let two = audit(&ada.ctx, None).await.unwrap();
    let refused =
        |report: &AuditReport, node| verdicts(report, node).contains_key(&Verdict::Refused);
    assert!(refused(&two, &others[0]) && two.lost_packs == 0, "3+2 bears two");
    wipe(&others[2]);
    assert!(audit(&ada.ctx, None).await.unwrap().lost_packs > 0);
}

type Shards = Arc<Mutex<BTreeSet<chunker::ShardId>>>;

/// Believes that it has all it took, and has lost some.
struct Poor {
    held: Shards,
    gone: Shards,
}

impl Twist for Poor {
    fn reply(&self, request: &Request, reply: Reply) -> Reply {
        match request {
            Request::Put { shard, .. } => {
                self.held.lock().unwrap().insert(*shard);
                reply
            }
            Request::Slice { shard, .. } if self.gone.lock().unwrap().contains(shard) => {
                Reply::Refused(Refusal::UnknownShard)
            }
            _ => reply,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_lost_one_shard_in_twenty_is_found_with_95_percent() {
    const SEEDS: u64 = 200;
    let world = World::new(53, Weather::calm());
    let ada = world.node(1, 1);
    let (held, gone) = (Arc::default(), Arc::default());
    let holder =
        &world.twisted(2, 1, Arc::new(Poor { held: Arc::clone(&held), gone: Arc::clone(&gone) }));
    let others = [world.node(3, 1), world.node(4, 1)];
    world.meet(&[&ada, holder, &others[0], &others[1]]).await;
    let root = world.dir.path().join("source");
    std::fs::create_dir(&root).unwrap();
    for round in 0..60 {
        std::fs::write(root.join(format!("file-{round}")), format!("round {round}")).unwrap();
        ada.backup(&root).await.unwrap();
    }
    let shards: Vec<_> = held.lock().unwrap().iter().copied().collect();
    assert!(shards.len() > 2 * SAMPLES, "{} shards", shards.len());
    let lost = shards.len() / 20;
    gone.lock().unwrap().extend(shards.iter().step_by(20).take(lost));
    let mut caught = 0;
    for seed in 0..SEEDS {
        let ctx = Ctx { entropy: Arc::new(SeededEntropy::new(seed)), ..ada.ctx.clone() };
        let report = audit(&ctx, Some(holder.peer())).await.unwrap();
        assert!(report.findings.len() >= SAMPLES, "{}", report.findings.len());
        caught += u64::from(verdicts(&report, holder).contains_key(&Verdict::Refused));
    }
    println!("{caught} of {SEEDS} audits found {lost} of {} shards gone", shards.len());
    assert!(caught * 100 >= SEEDS * 95, "{caught} of {SEEDS}");
}
