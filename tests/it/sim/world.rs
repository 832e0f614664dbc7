//! A simulated grid of whole nodes: the real engine and the real host over memory, in virtual time.

use std::sync::Arc;

use chunker::{OwnerId, PeerId};
use ed25519_dalek::SigningKey;
use gbak::budget::Budget;
use gbak::entropy::{Entropy, SeededEntropy};
use gbak::flow::backup::{BackupPlan, BackupReport, backup};
use gbak::flow::restore::{RestorePlan, RestoreReport, restore};
use gbak::flow::scan::ScanOptions;
use gbak::flow::{Ctx, Device, FlowError};
use gbak::host::{GaveBack, Host};
use gbak::monitor::{Counter, TestMonitor};
use gbak::offload::InlineOffload;
use gbak::vault::Vault;
use gbak::vault::phrase::Phrase;
use gbak::vault::view::SnapshotSpec;
use p2p::cert::{Charter, DeviceCert, OwnerCert};
use p2p::members::{Identity, Members};
use p2p::sim::{SimGrid, SimNet, Weather};
use p2p::{Clock, Grid, Reply, Request, Service};
use store::{
    Catalog, DbAt, Donation, FakeGauge, MemMedium, PackCache, Shelf, ShelfAt, Spool, Wards,
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// When every world begins.
const EPOCH_SECS: u64 = 1_800_000_000;
const GIB: u64 = 1 << 30;

/// Wall-clock time that follows virtual time.
#[derive(Debug)]
struct WorldClock(tokio::time::Instant);

impl Clock for WorldClock {
    fn now_secs(&self) -> u64 {
        EPOCH_SECS + self.0.elapsed().as_secs()
    }
}

/// A grid with its founder's key, and what all nodes share.
pub(crate) struct World {
    pub(crate) net: SimNet,
    charter: Charter,
    charter_key: SigningKey,
    clock: Arc<WorldClock>,
    pub(crate) dir: TempDir,
}

/// What a node's service does besides serving.
pub(crate) trait Twist: Send + Sync + 'static {
    /// Looks at a request, and may change the reply.
    fn reply(&self, request: &Request, reply: Reply) -> Reply;

    /// Whether it never answers this.
    fn stalls(&self, _: &Request) -> bool {
        false
    }
}

/// An honest host.
pub(crate) struct Honest;

impl Twist for Honest {
    fn reply(&self, _: &Request, reply: Reply) -> Reply {
        reply
    }
}

/// A host with a twist.
struct Twisted<T> {
    host: Host,
    twist: Arc<T>,
}

impl<T: Twist> Service for Twisted<T> {
    async fn answer(&self, from: PeerId, request: Request) -> Reply {
        if self.twist.stalls(&request) {
            return std::future::pending().await;
        }
        let asked = request.clone();
        let reply = self.host.answer(from, request).await;
        self.twist.reply(&asked, reply)
    }
}

/// One device.
pub(crate) struct Node {
    pub(crate) ctx: Ctx<SimGrid>,
    pub(crate) shelf: Shelf,
    pub(crate) host: Host,
    pub(crate) gauge: Arc<FakeGauge>,
    pub(crate) members: Members,
    pub(crate) medium: Arc<MemMedium>,
    pub(crate) monitor: Arc<TestMonitor>,
    pub(crate) wards: Wards,
    dir: TempDir,
}

/// Beside the build, so that a simulation disturbs no directory that another one looks at.
fn temp() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

impl World {
    pub(crate) fn new(seed: u64, weather: Weather) -> Self {
        println!("world with seed {seed}");
        let key = SigningKey::from_bytes(blake3::hash(&seed.to_le_bytes()).as_bytes());
        Self {
            net: SimNet::new(seed, weather),
            charter: Charter::found("sim", &key, EPOCH_SECS),
            charter_key: key,
            clock: Arc::new(WorldClock(tokio::time::Instant::now())),
            dir: temp(),
        }
    }

    /// A device of the owner with this number; devices of one owner share a phrase.
    pub(crate) fn node(&self, owner: u64, device: u64) -> Node {
        self.twisted(owner, device, Arc::new(Honest))
    }

    /// The same with a service that does something else than it should.
    pub(crate) fn twisted<T: Twist>(&self, owner: u64, device: u64, twist: Arc<T>) -> Node {
        let root = Phrase::generate(*blake3::hash(&owner.to_le_bytes()).as_bytes()).root();
        let entropy = SeededEntropy::new(owner << 32 | device);
        let owner_key = root.owner_key();
        let device_key = SigningKey::from_bytes(&entropy.bytes32());
        let owner_id = OwnerId::from_bytes(owner_key.verifying_key().to_bytes());
        let peer = PeerId::from_bytes(device_key.verifying_key().to_bytes());
        let grid = self.charter.id();
        let name = format!("node-{owner}-{device}");
        let owner_cert =
            OwnerCert::sign(&self.charter_key, grid, owner_id, name.clone(), EPOCH_SECS);
        let device_cert = DeviceCert::sign(&owner_key, peer, name, EPOCH_SECS);
        let charter = self.charter.clone();
        let identity = Identity { charter, owner: owner_cert, device: device_cert.clone() };
        let members = Members::new(identity, Vec::new(), self.clock.clone());
        let (shelf, medium, gauge) = shelf(&entropy);
        members.set_offer(offer(&shelf));
        let roll = Arc::new(members.clone());
        let dir = temp();
        let wards = Wards::at(dir.path().join("wards"));
        let host =
            Host::new(shelf.clone(), roll, self.clock.clone(), Arc::new(InlineOffload), None)
                .guarding(wards.clone())
                .signing(device_key.clone(), device_cert.clone());
        let twisted = Twisted { host: host.clone(), twist };
        let grid = self.net.join(members.clone(), Arc::new(twisted));
        let monitor = Arc::new(TestMonitor::default());
        let ctx = Ctx {
            grid,
            catalog: Catalog::memory().unwrap(),
            spool: Arc::new(Spool::open(&dir.path().join("spool")).unwrap()),
            cache: Arc::new(PackCache::open(&dir.path().join("cache"), GIB).unwrap()),
            vault: Arc::new(Vault::from_secret(root.vault_secret().expose())),
            device: Arc::new(Device { key: device_key, cert: device_cert }),
            policy: Arc::default(),
            settings: Arc::default(),
            clock: self.clock.clone(),
            offload: Arc::new(InlineOffload),
            budget: Budget::new(Budget::AGENT),
            buffers: gbak::flow::buffers(),
            entropy: Arc::new(entropy),
            monitor: monitor.clone(),
        };
        Node { ctx, shelf, host, gauge, members, medium, monitor, wards, dir }
    }

    /// One greets the others, to see who is there.
    pub(crate) async fn greet(&self, one: &Node, others: &[&Node]) {
        for other in others {
            let offer = offer(&one.shelf);
            drop(one.ctx.grid.ask(other.peer(), Request::Ping { nonce: 1, offer }).await);
        }
    }

    /// Everybody greets everybody, so that all are online to all.
    pub(crate) async fn meet(&self, nodes: &[&Node]) {
        for one in nodes {
            for other in nodes.iter().filter(|other| other.peer() != one.peer()) {
                let offer = one.members.hello().offer;
                // In a storm not everybody meets everybody.
                drop(one.ctx.grid.ask(other.peer(), Request::Ping { nonce: 1, offer }).await);
            }
        }
    }
}

fn shelf(entropy: &SeededEntropy) -> (Shelf, Arc<MemMedium>, Arc<FakeGauge>) {
    let medium = Arc::new(MemMedium::new());
    let gauge = Arc::new(FakeGauge::new(256 * GIB, 128 * GIB));
    let (shelf, _) = Shelf::open(ShelfAt {
        medium: medium.clone(),
        db: DbAt::Memory,
        donation: Donation { size_bytes: 64 * GIB, min_free_bytes: GIB, safe_area_bytes: 0 },
        gauge: gauge.clone(),
        disk_path: "/simulated".into(),
        new_mark: gbak::entropy::bytes(entropy),
    })
    .unwrap();
    (shelf, medium, gauge)
}

fn offer(shelf: &Shelf) -> p2p::Offer {
    let figures = shelf.figures().unwrap();
    p2p::Offer {
        total_bytes: figures.total_bytes,
        reserved_bytes: figures.reserved_bytes,
        donated_bytes: figures.donated_bytes,
        used_bytes: figures.used_bytes,
        free_bytes: figures.free_bytes,
        moving_bytes: 0,
        away_until_secs: 0,
    }
}

impl Node {
    /// Looks at its disk and gives back what it has to, as an agent does every few seconds.
    pub(crate) async fn give_back(&self) -> GaveBack {
        let gave = self.host.give_back().await.unwrap();
        self.members.set_offer(self.host.offer().await.unwrap());
        gave
    }

    /// Bytes that have come and gone for it so far.
    pub(crate) fn moved(&self) -> u64 {
        self.monitor.seen().counts.get(&Counter::BytesMoved).copied().unwrap_or(0)
    }

    /// Where its spool and its cache are.
    pub(crate) fn dir(&self) -> &std::path::Path {
        self.dir.path()
    }

    pub(crate) fn peer(&self) -> PeerId {
        self.ctx.device.peer()
    }

    pub(crate) async fn backup(&self, path: &std::path::Path) -> Result<BackupReport, FlowError> {
        self.backup_with(path, |_| ()).await
    }

    pub(crate) async fn backup_with(
        &self,
        path: &std::path::Path,
        change: impl FnOnce(&mut BackupPlan),
    ) -> Result<BackupReport, FlowError> {
        let mut plan = BackupPlan {
            paths: vec![path.to_owned()],
            scan: ScanOptions::default(),
            tags: Vec::new(),
            hostname: "sim".to_owned(),
            username: "tester".to_owned(),
            force: false,
            dry_run: false,
            skip_if_unchanged: false,
            code: None,
            spool: false,
            level: Some(3),
        };
        change(&mut plan);
        backup(&self.ctx, plan, &CancellationToken::new()).await
    }

    pub(crate) async fn restore(
        &self,
        spec: &str,
        target: &std::path::Path,
    ) -> Result<RestoreReport, FlowError> {
        let plan = RestorePlan {
            spec: SnapshotSpec::parse(spec.as_bytes()).unwrap(),
            target: target.to_owned(),
            include: Vec::new(),
            exclude: Vec::new(),
            overwrite: None,
            verify: true,
            dry_run: false,
        };
        restore(&self.ctx, plan, &CancellationToken::new()).await
    }
}
