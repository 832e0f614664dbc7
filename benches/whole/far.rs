//! A link that is long and of known width: what of it a backup and a restore use.
//!
//! The holders' addresses, as far as the source knows, are relays on this machine. Each holds every
//! byte back for half the round trip, and all of them together let through so many bytes a second
//! each way. What a relay has taken and not passed on is bounded, as a router's queue is.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
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

/// Bytes between two notes of when they were through.
const NOTED: u64 = 256 * 1024;

/// One direction of the link, shared by all connections.
#[derive(Debug)]
struct Way {
    bytes_per_second: f64,
    delay: Duration,
    carried: Mutex<Carried>,
}

/// What went through a direction.
#[derive(Debug)]
struct Carried {
    free_at: Instant,
    bytes: u64,
    /// When so many bytes were through, now and then.
    notes: Vec<(Instant, u64)>,
}

impl Way {
    fn new(megabytes: f64, round_trip: Duration) -> Self {
        let carried = Carried { free_at: Instant::now(), bytes: 0, notes: Vec::new() };
        Self {
            bytes_per_second: megabytes * 1e6,
            delay: round_trip / 2,
            carried: Mutex::new(carried),
        }
    }

    fn carried(&self) -> MutexGuard<'_, Carried> {
        self.carried.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When so many bytes, sent now, are at the other end.
    fn due(&self, len: usize) -> Instant {
        let takes = Duration::from_secs_f64(len as f64 / self.bytes_per_second);
        let mut carried = self.carried();
        carried.free_at = carried.free_at.max(Instant::now()) + takes;
        carried.bytes += len as u64;
        let (free_at, bytes) = (carried.free_at, carried.bytes);
        if carried.notes.last().is_none_or(|(_, noted)| bytes - noted >= NOTED) {
            carried.notes.push((free_at, bytes));
        }
        free_at + self.delay
    }

    /// Begins to count anew.
    fn reset(&self) {
        let mut carried = self.carried();
        carried.bytes = 0;
        carried.notes.clear();
    }

    /// Bytes since, and how many a second between the first and the last twentieth of them: without
    /// what happens at the ends, one round trip after the other. And how long ago the last noted
    /// were through.
    fn since(&self) -> (u64, f64, Duration) {
        let carried = self.carried();
        let twentieth = carried.bytes / 20;
        let steady = carried.notes.iter();
        let steady = steady
            .filter(|(_, bytes)| (twentieth..=carried.bytes - twentieth).contains(bytes))
            .collect::<Vec<_>>();
        let rate = match (steady.first(), steady.last()) {
            (Some((began, from)), Some((ended, to))) if ended > began => {
                (to - from) as f64 / (*ended - *began).as_secs_f64()
            }
            _ => 0.0,
        };
        let last = carried.notes.last().map(|(at, _)| at.elapsed()).unwrap_or_default();
        (carried.bytes, rate, last)
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
        let way = || Arc::new(Way::new(megabytes, round_trip));
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
    link.plain(corpus, megabytes, table)?;
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

/// Bytes that each connection carries to see what the relays can do.
const PLAIN: usize = 60_000_000;

impl Link {
    /// What of the link plain TCP fills, on as many connections as there are holders: nothing is
    /// computed, and nothing is written.
    fn plain(&self, corpus: &Corpus, megabytes: f64, table: &mut Table) -> Result<(), Failure> {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let sink = self.runtime.block_on(TcpListener::bind(any))?;
        let mut ports = Vec::new();
        for _ in 0..HOLDERS {
            let (port, target) = self.relay()?;
            target.set(sink.local_addr()?).map_err(|_| "a relay has its target already")?;
            ports.push(port);
        }
        self.up.reset();
        let took = timed(|| self.runtime.block_on(poured(&sink, &ports)))?;
        let (bytes, steady, _) = self.up.since();
        table.add(&corpus.name, "plain TCP over the link", took);
        let share = bytes as f64 / 1e6 / took / megabytes;
        table.add(&corpus.name, "of the link by plain TCP, %", share * 100.0);
        table.add(&corpus.name, "the same without its ends, %", steady / 1e4 / megabytes);
        Ok(())
    }
}

/// Sends zeros through all these relays at once, until all of them have come.
async fn poured(sink: &TcpListener, ports: &[u16]) -> Result<(), Failure> {
    let pour = ports.iter().map(|port| async move {
        let mut to = TcpStream::connect((Ipv4Addr::LOCALHOST, *port)).await?;
        let zeros = vec![0; 64 * 1024];
        let mut left = PLAIN;
        while left > 0 {
            let piece = zeros.get(..left.min(zeros.len())).unwrap_or_default();
            to.write_all(piece).await?;
            left -= piece.len();
        }
        to.shutdown().await
    });
    let drain = ports.iter().map(|_| async {
        let (mut from, _) = sink.accept().await?;
        let mut buffer = vec![0; 64 * 1024];
        while from.read(&mut buffer).await? > 0 {}
        Ok::<(), std::io::Error>(())
    });
    let (poured, drained) =
        tokio::join!(futures::future::try_join_all(pour), futures::future::try_join_all(drain));
    poured?;
    drained?;
    Ok(())
}

/// How the figures of a step are called: time; share of the link, and between the first and the
/// last twentieth of the bytes; how long it went on without any; processor time of the source, of
/// all holders, of the relay that stands for the link; how much of two processors that is, and with
/// everybody else on the machine; the most memory of the source so far.
type Names = [&'static str; 10];
const BACKUP: Names = [
    "backup over the link",
    "of the link by a backup, %",
    "of the link without the ends of a backup, %",
    "backup, after the last bytes",
    "backup, the source, s CPU",
    "backup, the holders, s CPU",
    "backup, the link itself, s CPU",
    "backup, of all processors, %",
    "backup, of all processors with everybody else, %",
    "backup, the source's peak memory, MB",
];
const RESTORE: Names = [
    "restore over the link",
    "of the link by a restore, %",
    "of the link without the ends of a restore, %",
    "restore, after the last bytes",
    "restore, the source, s CPU",
    "restore, the holders, s CPU",
    "restore, the link itself, s CPU",
    "restore, of all processors, %",
    "restore, of all processors with everybody else, %",
    "restore, the source's peak memory, MB",
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
        let (cpu, idle) = (self.cpu()?, cost::idle()?);
        way.reset();
        let took = timed(work)?;
        let (bytes, steady, after) = way.since();
        let spent = self.cpu()?.into_iter().zip(cpu).map(|(after, before)| after - before);
        let spent: Vec<f64> = spent.collect();
        let threads = std::thread::available_parallelism()?.get() as f64;
        let idle = (cost::idle()? - idle) / took / threads;
        let peak = self.source.pid().and_then(cost::peak_mb).ok_or("no VmHWM")?;
        let figures = [
            took,
            bytes as f64 / 1e6 / took / self.megabytes * 100.0,
            steady / 1e4 / self.megabytes,
            after.as_secs_f64(),
            spent[0],
            spent[1],
            spent[2],
            spent.iter().sum::<f64>() / took / threads * 100.0,
            (1.0 - idle) * 100.0,
            peak,
        ];
        for (name, figure) in names.iter().zip(figures) {
            table.add(&self.corpus.name, name, figure);
        }
        Ok(())
    }
}
