//! What a pipeline may hold at once is bounded, however slow the others are.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chunker::{Code, PACK_FULL, PeerId};
use gbak::budget::Budget;
use gbak::flow::Ctx;
use gbak::flow::backup::{BackupPlan, backup};
use gbak::flow::restore::{RestorePlan, restore};
use gbak::flow::scan::ScanOptions;
use gbak::vault::view::SnapshotSpec;
use p2p::sim::{SimGrid, Weather};
use p2p::{Grid, GridError, PeerInfo, Reply, Request, Target};
use tokio_util::sync::CancellationToken;

use super::stories::{assert_same, grid, under};
use super::world::{Node, World};

const MIB: usize = 1024 * 1024;
/// As holders on the same network are.
const NEAR: Duration = Duration::from_micros(500);

/// Counts the bytes of shards that are on their way out or in.
#[derive(Clone)]
struct Counting {
    inner: SimGrid,
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl Grid for Counting {
    fn me(&self) -> PeerId {
        self.inner.me()
    }

    fn peers(&self) -> Vec<PeerInfo> {
        self.inner.peers()
    }

    async fn closest(&self, target: Target, count: usize) -> Vec<PeerInfo> {
        self.inner.closest(target, count).await
    }

    async fn ask(&self, peer: PeerId, request: Request) -> Result<Reply, GridError> {
        let bytes = match &request {
            Request::Put { body, .. } => body.len(),
            // What will come: all data shards of this test are a third of a pack.
            Request::Get { .. } => PACK_FULL / 3,
            Request::Slice { len, .. } => *len as usize,
            _ => 0,
        };
        let now = self.now.fetch_add(bytes, Ordering::SeqCst) + bytes;
        self.most.fetch_max(now, Ordering::SeqCst);
        let reply = self.inner.ask(peer, request).await;
        self.now.fetch_sub(bytes, Ordering::SeqCst);
        reply
    }
}

/// The same device over a grid that counts, with so much room.
fn counting(node: &Node, room: usize) -> Ctx<Counting> {
    let ctx = &node.ctx;
    let grid = Counting { inner: ctx.grid.clone(), now: Arc::default(), most: Arc::default() };
    Ctx {
        grid,
        catalog: ctx.catalog.clone(),
        spool: ctx.spool.clone(),
        cache: ctx.cache.clone(),
        vault: ctx.vault.clone(),
        device: ctx.device.clone(),
        policy: ctx.policy.clone(),
        settings: ctx.settings.clone(),
        clock: ctx.clock.clone(),
        offload: ctx.offload.clone(),
        budget: Budget::new(room),
        buffers: gbak::flow::buffers(),
        entropy: ctx.entropy.clone(),
        monitor: ctx.monitor.clone(),
    }
}

fn noise(len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    blake3::Hasher::new().update(b"memory").finalize_xof().fill(&mut bytes);
    bytes
}

/// One file of eighteen full packs there and back on a line this long; the most that was under way
/// each time.
async fn there_and_back(room: usize, one_way: Duration) -> [usize; 2] {
    let weather = Weather { delay_min: one_way, delay_max: one_way, ..Weather::calm() };
    let world = World::new(61, weather);
    let (ada, _others) = grid(&world, 5).await;
    let source = world.dir.path().join("source");
    std::fs::create_dir(&source).unwrap();
    std::fs::write(source.join("noise"), noise(70 * MIB)).unwrap();
    let ctx = counting(&ada, room);
    let plan = BackupPlan {
        paths: vec![source.clone()],
        scan: ScanOptions::default(),
        tags: Vec::new(),
        hostname: "sim".to_owned(),
        username: "tester".to_owned(),
        force: false,
        dry_run: false,
        skip_if_unchanged: false,
        code: Some(Code::new(3, 2).unwrap()),
        spool: false,
        level: Some(3),
    };
    backup(&ctx, plan, &CancellationToken::new()).await.unwrap();
    let sent = ctx.grid.most.swap(0, Ordering::SeqCst);
    let target = world.dir.path().join("restored");
    let plan = RestorePlan {
        spec: SnapshotSpec::parse(b"latest").unwrap(),
        target: target.clone(),
        include: Vec::new(),
        exclude: Vec::new(),
        overwrite: None,
        verify: false,
        dry_run: false,
    };
    restore(&ctx, plan, &CancellationToken::new()).await.unwrap();
    assert_same(&source, &under(&target, &source));
    [sent, ctx.grid.most.load(Ordering::SeqCst)]
}

#[tokio::test(start_paused = true)]
async fn no_more_is_under_way_than_there_is_room_for() {
    // Room for one pack with its parity, or for one being put together.
    let [sent, fetched] = there_and_back(8 * MIB, NEAR).await;
    assert!((6 * MIB..=8 * MIB).contains(&sent), "{sent} bytes were being sent");
    assert!((3 * MIB..=8 * MIB).contains(&fetched), "{fetched} bytes were being fetched");
}

#[tokio::test(start_paused = true)]
async fn an_agent_sends_three_packs_at_once_and_fetches_four() {
    let [sent, fetched] = there_and_back(Budget::AGENT, NEAR).await;
    assert!((19 * MIB..=24 * MIB).contains(&sent), "{sent} bytes were being sent");
    assert!((15 * MIB..=24 * MIB).contains(&fetched), "{fetched} bytes were being fetched");
}

#[tokio::test(start_paused = true)]
async fn over_a_line_of_50_ms_more_packs_are_under_way_and_no_more_than_that() {
    let [sent, fetched] = there_and_back(Budget::AGENT, Duration::from_millis(25)).await;
    assert!((26 * MIB..=32 * MIB).contains(&sent), "{sent} bytes were being sent");
    assert!((23 * MIB..=32 * MIB).contains(&fetched), "{fetched} bytes were being fetched");
}

#[tokio::test(start_paused = true)]
async fn what_fits_goes_on_at_once_and_what_never_fits_goes_alone() {
    let [sent, fetched] = there_and_back(100 * MIB, Duration::from_millis(10)).await;
    assert!((39 * MIB..=107 * MIB).contains(&sent), "{sent} bytes were being sent");
    assert!(fetched > 15 * MIB, "{fetched} bytes were being fetched");
    let [sent, fetched] = there_and_back(MIB, NEAR).await;
    assert!(sent < 7 * MIB, "{sent} bytes were being sent");
    assert!(fetched < 5 * MIB, "{fetched} bytes were being fetched");
}
