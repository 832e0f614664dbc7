//! A link that is long and of known width: what of it a backup and a restore use.
//!
//! The holders' addresses, as far as the source knows, are relays on this machine. Each holds every
//! byte back for half the round trip, and all of them together let through so many bytes a second
//! each way. What a relay has taken and not passed on is bounded, as a router's queue is.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use gbak::demo::agents::Agent;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::agents::LOOPBACK;
use crate::corpus::Corpus;
use crate::{Failure, Table, compared, cost, timed};

const HOLDERS: usize = 5;
/// Pieces of up to 64 KiB waiting in one direction of one connection.
const WAITING: usize = 128;

/// One direction of the link, shared by all connections.
#[derive(Debug)]
struct Way {
    bytes_per_second: f64,
    delay: Duration,
    free_at: Mutex<Instant>,
    carried: AtomicU64,
}

impl Way {
    /// When so many bytes, sent now, are at the other end.
    fn due(&self, len: usize) -> Instant {
        self.carried.fetch_add(len as u64, Ordering::Relaxed);
        let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
        let takes = Duration::from_secs_f64(len as f64 / self.bytes_per_second);
        *free_at = (*free_at).max(Instant::now()) + takes;
        *free_at + self.delay
    }
}

/// The relays, and what went through them.
struct Link {
    runtime: Runtime,
    up: Arc<Way>,
    down: Arc<Way>,
}

type Target = Arc<OnceLock<SocketAddr>>;

impl Link {
    fn new(megabytes: f64, round_trip: Duration) -> Result<Self, Failure> {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build()?;
        let way = || {
            Arc::new(Way {
                bytes_per_second: megabytes * 1e6,
                delay: round_trip / 2,
                free_at: Mutex::new(Instant::now()),
                carried: AtomicU64::new(0),
            })
        };
        Ok(Self { runtime, up: way(), down: way() })
    }

    /// A relay whose target is told later; its port.
    fn relay(&self) -> Result<(u16, Target), Failure> {
        let target = Target::default();
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = self.runtime.block_on(TcpListener::bind(any))?;
        let port = listener.local_addr()?.port();
        let (up, down) = (self.up.clone(), self.down.clone());
        drop(self.runtime.spawn(serve(listener, target.clone(), up, down)));
        Ok((port, target))
    }
}

async fn serve(listener: TcpListener, target: Target, up: Arc<Way>, down: Arc<Way>) {
    while let Ok((near, _)) = listener.accept().await {
        let Some(target) = target.get().copied() else { continue };
        let (up, down) = (up.clone(), down.clone());
        drop(tokio::spawn(async move {
            let far = TcpStream::connect(target).await?;
            near.set_nodelay(true)?;
            far.set_nodelay(true)?;
            let (near_read, near_write) = near.into_split();
            let (far_read, far_write) = far.into_split();
            tokio::join!(carry(near_read, far_write, up), carry(far_read, near_write, down));
            Ok::<(), std::io::Error>(())
        }));
    }
}

/// One direction of one connection. It ends when either end does.
async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, way: Arc<Way>) {
    let (send, mut receive) = mpsc::channel::<(Instant, Vec<u8>)>(WAITING);
    let reading = async move {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(len @ 1..) = from.read(&mut buffer).await {
            let piece = buffer.get(..len).unwrap_or_default().to_vec();
            if send.send((way.due(len), piece)).await.is_err() {
                break;
            }
        }
    };
    let writing = async move {
        while let Some((due, piece)) = receive.recv().await {
            sleep_until(due).await;
            if to.write_all(&piece).await.is_err() {
                break;
            }
        }
        drop(to.shutdown().await);
    };
    tokio::join!(reading, writing);
}

/// A member; `announce` is all that others know of where it is.
fn member(
    program: &Path,
    dir: &Path,
    name: &str,
    donate: &str,
    join: Option<(&Agent, u16)>,
) -> Result<Agent, Failure> {
    let words = dir.join(name).with_extension("words");
    let words = words.to_string_lossy();
    let mut args = vec!["init", "--name", name, "--phrase-file", &words, "--donate", donate];
    args.extend(["--min-free", "64MiB", "--listen", LOOPBACK, "--no-mdns"]);
    args.extend(["--non-interactive", "--json"]);
    let invitation = join.map(|(founder, _)| founder.expect(&["invite", "--json"])).transpose()?;
    if let Some(invitation) = &invitation {
        args.extend(["--join", invitation["invite"].as_str().ok_or("no invitation")?]);
    }
    let mut agent = Agent::new(program, dir, name);
    agent.expect(&args)?;
    if let Some((_, port)) = join {
        let config = agent.home().join("config.toml");
        let text = std::fs::read_to_string(&config)?;
        let told = format!("[node]\nannounce = [\"/ip4/127.0.0.1/tcp/{port}\"]\n");
        std::fs::write(&config, text.replacen("[node]\n", &told, 1))?;
    }
    agent.start()?;
    Ok(agent)
}

/// Where an agent listens.
fn listens(agent: &Agent) -> Result<SocketAddr, Failure> {
    // Whatever the status says of its health is not asked here.
    let (status, _) = agent.run(&["status", "--json"])?;
    let address = status["listen"][0].as_str().unwrap_or_default();
    let port = address.split('/').nth(4).ok_or("no address")?.parse::<u16>()?;
    Ok((Ipv4Addr::LOCALHOST, port).into())
}

/// Backup and restore of `corpus` over the link.
pub(crate) fn run(
    program: &Path,
    place: &Path,
    corpus: &Corpus,
    (megabytes, round_trip): (f64, Duration),
    table: &mut Table,
) -> Result<(), Failure> {
    let link = Link::new(megabytes, round_trip)?;
    let dir = place.join("far");
    std::fs::create_dir(&dir)?;
    let founder = member(program, &dir, "founder", "none", None)?;
    let mut holders = Vec::new();
    for number in 0..HOLDERS {
        let (port, target) = link.relay()?;
        let name = format!("holder-{number}");
        let holder = member(program, &dir, &name, "8GiB", Some((&founder, port)))?;
        target.set(listens(&holder)?).map_err(|_| "a relay has its target already")?;
        holders.push(holder);
    }
    // Nobody can dial the source: it reaches everybody through the relays.
    let source = member(program, &dir, "source", "none", Some((&founder, 1)))?;
    let started = Instant::now();
    while source.expect(&["peers", "--json"])?["totals"]["online"].as_u64() < Some(7) {
        if started.elapsed() > Duration::from_secs(60) {
            return Err("not everybody came online".into());
        }
    }
    let from = corpus.dir.to_string_lossy();
    let flags = ["backup", &from, "--redundancy", "3+2", "--json"];
    let over = Over { megabytes, source: &source, holders: &holders, corpus };
    over.used(&link.up, &BACKUP, table, &|| {
        source.expect(&flags)?;
        Ok(())
    })?;
    let (spec, target) = (format!("latest:{from}"), place.join("far-restored"));
    let into = target.to_string_lossy();
    over.used(&link.down, &RESTORE, table, &|| {
        source.expect(&["restore", &spec, "--target", &into, "--json"])?;
        Ok(())
    })?;
    compared(&corpus.dir, &target, "over the link")
}

/// How the figures of a step are called: time; share of the link; processor time of the source, of
/// all holders, of the relay that stands for the link; and how much of two processors that is.
type Names = [&'static str; 6];
const BACKUP: Names = [
    "backup over the link",
    "of the link by a backup, %",
    "backup, the source, s CPU",
    "backup, the holders, s CPU",
    "backup, the link itself, s CPU",
    "backup, of all processors, %",
];
const RESTORE: Names = [
    "restore over the link",
    "of the link by a restore, %",
    "restore, the source, s CPU",
    "restore, the holders, s CPU",
    "restore, the link itself, s CPU",
    "restore, of all processors, %",
];

/// All that takes part.
struct Over<'a> {
    megabytes: f64,
    source: &'a Agent,
    holders: &'a [Agent],
    corpus: &'a Corpus,
}

impl Over<'_> {
    /// Processor time of the source, of the holders and of this process, which is the link.
    fn cpu(&self) -> Result<[f64; 3], Failure> {
        let of = |agent: &Agent| cost::own_cpu(agent.pid().ok_or("an agent does not run")?);
        let holders: Result<Vec<f64>, Failure> = self.holders.iter().map(of).collect();
        Ok([of(self.source)?, holders?.iter().sum(), cost::own_cpu(std::process::id())?])
    }

    fn used(
        &self,
        way: &Way,
        names: &Names,
        table: &mut Table,
        work: &dyn Fn() -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let (before, cpu) = (way.carried.load(Ordering::Relaxed), self.cpu()?);
        let took = timed(work)?;
        let moved = (way.carried.load(Ordering::Relaxed) - before) as f64 / 1e6;
        let name = &self.corpus.name;
        table.add(name, names[0], took);
        table.add(name, names[1], moved / took / self.megabytes * 100.0);
        let spent = self.cpu()?.into_iter().zip(cpu).map(|(after, before)| after - before);
        let spent: Vec<f64> = spent.collect();
        for (name_of, seconds) in names[2..5].iter().copied().zip(&spent) {
            table.add(name, name_of, *seconds);
        }
        let threads = std::thread::available_parallelism()?.get() as f64;
        table.add(name, names[5], spent.iter().sum::<f64>() / took / threads * 100.0);
        Ok(())
    }
}
