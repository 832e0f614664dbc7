//! Reading files that are on the grid: how much is fetched for it, and from whom.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use chunker::Code;
use gbak::drive::reader::{Layout, Reader};
use gbak::flow::look;
use gbak::vault::tree::Kind;
use gbak::vault::view::SnapshotSpec;
use p2p::sim::{SimGrid, Weather};
use p2p::{Refusal, Reply, Request};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use store::PackCache;

use super::world::{Node, Twist, World};

const MIB: u64 = 1 << 20;

/// What a holder does when it is asked for bytes, and how many it gave.
#[derive(Default)]
pub(super) struct Holder {
    bytes: AtomicU64,
    gets: AtomicU64,
    /// 0 honest, 1 silent, 2 wrong, 3 gives no slices, 4 has lost everything.
    manner: AtomicU64,
}

impl Holder {
    /// From now on.
    pub(super) fn behave(&self, manner: u64) {
        self.manner.store(manner, Ordering::SeqCst);
    }
}

impl Twist for Holder {
    fn reply(&self, _: &Request, reply: Reply) -> Reply {
        let manner = self.manner.load(Ordering::SeqCst);
        let spoil = manner == 2;
        let give = |body: Bytes, get: u64| {
            self.bytes.fetch_add(body.len() as u64, Ordering::SeqCst);
            self.gets.fetch_add(get, Ordering::SeqCst);
            let mut bytes = body.to_vec();
            if spoil {
                *bytes.last_mut().unwrap() ^= 1;
            }
            Bytes::from(bytes)
        };
        match reply {
            Reply::Slice { .. } if manner == 3 => Reply::Refused(Refusal::Unsupported),
            Reply::Slice { .. } | Reply::Shard { .. } if manner == 4 => {
                Reply::Refused(Refusal::UnknownShard)
            }
            Reply::Shard { body } => Reply::Shard { body: give(body, 1) },
            Reply::Slice { body } => Reply::Slice { body: give(body, 0) },
            other => other,
        }
    }

    fn stalls(&self, request: &Request) -> bool {
        let asked = matches!(request, Request::Get { .. } | Request::Slice { .. });
        asked && self.manner.load(Ordering::SeqCst) == 1
    }
}

/// Who backs up, and five holders that count what they give.
pub(super) async fn counted_grid(world: &World) -> (Node, Vec<Node>, Vec<Arc<Holder>>) {
    let ada = world.node(1, 1);
    let holders: Vec<Arc<Holder>> = (0..5).map(|_| Arc::default()).collect();
    let made = holders.iter().zip(2..).map(|(holder, n)| world.twisted(n, 1, holder.clone()));
    let nodes: Vec<Node> = made.collect();
    let everybody: Vec<&Node> = std::iter::once(&ada).chain(&nodes).collect();
    world.meet(&everybody).await;
    (ada, nodes, holders)
}

/// A file of noise on a grid of five holders, 3+2, and whoever reads it.
struct Scene {
    world: World,
    ada: Node,
    nodes: Vec<Node>,
    holders: Vec<Arc<Holder>>,
    content: Vec<u8>,
}

impl Scene {
    async fn new(seed: u64, len: u64) -> Self {
        let world = World::new(seed, Weather::calm());
        let (ada, nodes, holders) = counted_grid(&world).await;
        let mut content = vec![0; len as usize];
        blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof().fill(&mut content);
        let source = world.dir.path().join("source");
        std::fs::create_dir(&source).unwrap();
        std::fs::write(source.join("file"), &content).unwrap();
        let code = Code::new(3, 2).unwrap();
        ada.backup_with(&source, |plan| plan.code = Some(code)).await.unwrap();
        let scene = Self { world, ada, nodes, holders, content };
        scene.fetched();
        scene
    }

    /// A reader with the cache in this directory, and the file.
    async fn reader(&self, cache: &str) -> (Arc<Reader<SimGrid>>, Layout) {
        let dir = self.world.dir.path().join(cache);
        let packs = Arc::new(PackCache::open(&dir, 1 << 30).unwrap());
        let reader = Arc::new(Reader::new(self.ada.ctx.clone(), packs));
        let spec = SnapshotSpec::parse(b"latest").unwrap();
        let (_, entries) = look::ls(&self.ada.ctx, &spec).await.unwrap();
        let file = entries.into_iter().find(|entry| entry.path.ends_with(b"/file")).unwrap();
        let found = match file.node.kind {
            Kind::File { size, content } => Some((size, content)),
            _ => None,
        };
        let (size, content) = found.unwrap();
        let layout = reader.layout(&content, size).await.unwrap();
        self.fetched();
        (reader, layout)
    }

    /// What holders gave since this was asked last.
    fn fetched(&self) -> u64 {
        self.holders.iter().map(|holder| holder.bytes.swap(0, Ordering::SeqCst)).sum()
    }

    fn gets(&self) -> u64 {
        self.holders.iter().map(|holder| holder.gets.swap(0, Ordering::SeqCst)).sum()
    }

    fn manner(&self, of: &[usize], manner: u64) {
        of.iter().for_each(|at| self.holders[*at].behave(manner));
    }

    fn set_down(&self, of: &[usize], down: bool) {
        of.iter().for_each(|at| self.world.net.set_down(self.nodes[*at].peer(), down));
    }

    async fn check(&self, reader: &Arc<Reader<SimGrid>>, layout: &Layout, at: u64, len: u64) {
        let read = reader.read(layout, at, len).await.unwrap();
        assert!(read == self.content[at as usize..(at + len) as usize], "{len} at {at}");
    }

    fn cached(&self, cache: &str) -> Vec<std::path::PathBuf> {
        let entries = std::fs::read_dir(self.world.dir.path().join(cache)).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    }
}

/// Places far from each other, each in another pack.
fn places(count: u64) -> impl Iterator<Item = u64> {
    (0..count).map(|no| no * 5 * MIB + 700_000 + no * 1_111)
}

#[tokio::test(start_paused = true)]
async fn a_small_read_of_a_large_cold_file_fetches_one_block_of_its_pack() {
    let scene = Scene::new(70, 40 * MIB).await;
    let (reader, layout) = scene.reader("reads").await;
    for at in places(7) {
        scene.check(&reader, &layout, at, 4096).await;
        let fetched = scene.fetched();
        // A block has 256 KiB and a chunk more; its proof a sixteenth of that.
        assert!((260_000..600_000).contains(&fetched), "{fetched} bytes for 4096 at {at}");
        // And once only.
        scene.check(&reader, &layout, at + 1, 4096).await;
        assert_eq!(scene.fetched(), 0);
    }
    assert_eq!(scene.gets(), 0, "whole shards were fetched");
}

#[tokio::test(start_paused = true)]
async fn with_holders_away_silent_or_lying_a_small_read_takes_the_same_place_of_others() {
    for (seed, manner) in [(71, 0), (72, 1), (73, 2)] {
        let scene = Scene::new(seed, 40 * MIB).await;
        if manner == 0 {
            scene.set_down(&[0, 1], true);
            scene.world.net.set_weather(Weather::calm());
        } else {
            scene.manner(&[0, 1], manner);
        }
        let (reader, layout) = scene.reader("reads").await;
        let mut most = 0;
        for at in places(7) {
            scene.check(&reader, &layout, at, 4096).await;
            most = most.max(scene.fetched());
        }
        // At worst three of the five give theirs, and one that lies.
        assert!((600_000..2_400_000).contains(&most), "{most} bytes, manner {manner}");
        assert_eq!(scene.gets(), 0, "whole shards were fetched, manner {manner}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_sequential_reader_has_each_pack_fetched_once_and_before_it_comes_there() {
    let scene = Scene::new(74, 40 * MIB).await;
    let (reader, layout) = scene.reader("reads").await;
    let step = 128 << 10;
    for at in (0..40 * MIB).step_by(step as usize) {
        scene.check(&reader, &layout, at, step).await;
        if at == 16 * MIB {
            // What comes next is on its way without being asked for.
            while scene.holders.iter().map(|one| one.bytes.load(Ordering::SeqCst)).sum::<u64>()
                < 30 * MIB
            {
                tokio::time::advance(std::time::Duration::from_millis(10)).await;
            }
        }
    }
    let fetched = scene.fetched();
    // The last pack is padded.
    assert!((40 * MIB..43 * MIB).contains(&fetched), "{fetched} bytes");
}

#[tokio::test(start_paused = true)]
async fn who_reads_all_of_it_in_any_order_fetches_no_pack_much_more_than_once() {
    let scene = Scene::new(75, 24 * MIB).await;
    let (reader, layout) = scene.reader("reads").await;
    let mut rng = StdRng::seed_from_u64(75);
    let mut all: Vec<u64> = (0..24 * MIB / 65_536).map(|no| no * 65_536).collect();
    for at in 0..all.len() {
        let other = rng.random_range(at..all.len());
        all.swap(at, other);
    }
    for at in all {
        scene.check(&reader, &layout, at, 65_536).await;
    }
    let fetched = scene.fetched();
    assert!((24 * MIB..38 * MIB).contains(&fetched), "{fetched} bytes for {}", 24 * MIB);
}

#[tokio::test(start_paused = true)]
async fn what_was_read_is_read_again_with_everybody_away_and_damage_to_it_is_noticed() {
    let scene = Scene::new(76, 40 * MIB).await;
    let (reader, layout) = scene.reader("reads").await;
    for at in places(3) {
        scene.check(&reader, &layout, at, 4096).await;
    }
    let end = 40 * MIB - 3 * MIB;
    for at in (end..40 * MIB).step_by(128 << 10) {
        scene.check(&reader, &layout, at, 128 << 10).await;
    }
    let everybody = [0, 1, 2, 3, 4];
    turns().await;
    drop((reader, layout));
    let (reader, layout) = scene.reader("reads").await;
    scene.set_down(&everybody, true);
    for at in places(3) {
        scene.check(&reader, &layout, at, 4096).await;
    }
    scene.check(&reader, &layout, 39 * MIB, 4096).await;
    assert_eq!(scene.fetched(), 0);
    assert!(reader.read(&layout, 20 * MIB, 4096).await.is_err());
    scene.set_down(&everybody, false);
    let everybody: Vec<&Node> = std::iter::once(&scene.ada).chain(&scene.nodes).collect();
    scene.world.meet(&everybody).await;
    scene.check(&reader, &layout, 20 * MIB, 4096).await;
    // Bytes that changed on the disk are fetched again.
    scene.cached("reads").iter().for_each(|path| spoil(path));
    let (reader, layout) = scene.reader("reads").await;
    for at in places(3).chain([39 * MIB]) {
        scene.check(&reader, &layout, at, 4096).await;
    }
    assert!(scene.fetched() > MIB);
}

/// The cache is written behind the reads, and let go of, by tasks that only need a turn.
async fn turns() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

fn spoil(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes.iter_mut().for_each(|byte| *byte ^= 0x55);
    std::fs::write(path, bytes).unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_was_opened_stays_in_memory_while_somebody_reads_and_not_much_longer() {
    let scene = Scene::new(79, 8 * MIB).await;
    let (reader, layout) = scene.reader("reads").await;
    scene.check(&reader, &layout, 700_000, 4096).await;
    turns().await;
    for path in scene.cached("reads") {
        std::fs::remove_file(path).unwrap();
    }
    scene.set_down(&[0, 1, 2, 3, 4], true);
    for _ in 0..10 {
        tokio::time::advance(Duration::from_secs(40)).await;
        turns().await;
        scene.check(&reader, &layout, 700_001, 4096).await;
    }
    for _ in 0..3 {
        tokio::time::advance(Duration::from_secs(61)).await;
        turns().await;
    }
    assert!(reader.read(&layout, 700_001, 4096).await.is_err(), "it is in memory still");
}
