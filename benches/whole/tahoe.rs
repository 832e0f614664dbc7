//! Tahoe-LAFS on the same work: a client and five storage nodes on loopback, any three of five.
//!
//! It keeps no attributes of files, so only their bytes are compared. Its nodes are ended with the
//! value that holds them.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::time::Instant;

use crate::corpus::Corpus;
use crate::rivals::which;
use crate::{Failure, Table, cost, timed};

/// Storage nodes.
const NODES: usize = 5;
/// How long they may take to find each other.
const FIND: Duration = Duration::from_secs(120);

/// The introducer first, then the client, then the storage nodes.
struct Tahoe {
    program: PathBuf,
    dir: PathBuf,
    running: Vec<Child>,
}

/// Backs `corpus` up to a grid of its own and restores it, if Tahoe is installed.
pub(crate) fn run(place: &Path, corpus: &Corpus, table: &mut Table) -> Result<(), Failure> {
    let Some(program) = which("tahoe") else { return Ok(()) };
    let dir = place.join("tahoe");
    std::fs::create_dir(&dir)?;
    let mut tahoe = Tahoe { program, dir, running: Vec::new() };
    tahoe.found()?;
    let name = format!("{}, tahoe", corpus.name);
    let before = tahoe.cpu()?;
    let from = corpus.dir.to_string_lossy();
    let first = timed(|| tahoe.client(&["backup", &from, "b:all"]))?;
    table.add(&name, "first backup, 3+2", first);
    table.add(&name, "of all nodes, s CPU", tahoe.cpu()? - before);
    tahoe.restored(place, corpus, ("restore", &name), table)?;
    for mut node in tahoe.running.drain(NODES..) {
        node.kill()?;
        node.wait()?;
    }
    tahoe.restored(place, corpus, ("restore, 2 of 5 dead", &name), table)
}

impl Tahoe {
    /// Makes and starts all nodes, and waits until the client reaches every one.
    fn found(&mut self) -> Result<(), Failure> {
        let ports: Vec<u16> = (0..NODES + 3).map(|_| free_port()).collect::<Result<_, _>>()?;
        let (port, location) = listening(ports[0]);
        let introducer = self.dir.join("introducer");
        self.make(&["create-introducer", &port, &location], &introducer)?;
        self.start(&introducer)?;
        let told = introducer.join("private/introducer.furl");
        let started = Instant::now();
        let furl = loop {
            match std::fs::read_to_string(&told) {
                Ok(text) if text.ends_with('\n') => break text.trim().to_owned(),
                _ if started.elapsed() > FIND => return Err("no introducer".into()),
                _ => std::thread::yield_now(),
            }
        };
        let furl = format!("--introducer={furl}");
        let web = format!("--webport=tcp:{}:interface=127.0.0.1", ports[NODES + 2]);
        for number in 0..=NODES {
            let (port, location) = listening(ports[number + 1]);
            let kind = if number == 0 { "--no-storage" } else { "--webport=none" };
            let web = if number == 0 { &web } else { kind };
            let dir = self.dir.join(format!("node-{number}"));
            let mut args = vec!["create-node", &furl, &port, &location, web];
            args.extend(["--shares-needed=3", "--shares-happy=5", "--shares-total=5"]);
            if number == 0 {
                args.push(kind);
            }
            self.make(&args, &dir)?;
            self.start(&dir)?;
        }
        // This makes a directory on the grid: it succeeds once all five are there.
        while self.client(&["create-alias", "b"]).is_err() {
            if started.elapsed() > FIND {
                return Err("Tahoe's nodes did not find each other".into());
            }
        }
        Ok(())
    }

    fn make(&self, args: &[&str], dir: &Path) -> Result<(), Failure> {
        cost::run(self.command().args(args).arg(dir), &[0])?;
        Ok(())
    }

    fn start(&mut self, dir: &Path) -> Result<(), Failure> {
        let mut command = self.command();
        command.args(["run", "--allow-stdin-close"]).arg(dir);
        self.running.push(command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?);
        Ok(())
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.stderr(Stdio::null());
        command
    }

    fn client(&self, args: &[&str]) -> Result<(), Failure> {
        let client = self.dir.join("node-0");
        cost::run(self.command().arg("-d").arg(client).args(args), &[0])?;
        Ok(())
    }

    /// Processor time of all nodes.
    fn cpu(&self) -> Result<f64, Failure> {
        self.running.iter().map(|node| cost::own_cpu(node.id())).sum()
    }

    fn restored(
        &self,
        place: &Path,
        corpus: &Corpus,
        (measure, name): (&'static str, &str),
        table: &mut Table,
    ) -> Result<(), Failure> {
        let target = place.join(format!("tahoe-{}", measure.replace([' ', ','], "-")));
        std::fs::create_dir(&target)?;
        let into = target.to_string_lossy();
        let took = timed(|| self.client(&["cp", "-r", "b:all/Latest", &into]))?;
        table.add(name, measure, took);
        let (whole, back) = (&corpus.dir, target.join("Latest"));
        cost::run(Command::new("diff").arg("-rq").arg(whole).arg(back), &[0])?;
        Ok(())
    }
}

impl Drop for Tahoe {
    fn drop(&mut self) {
        for node in &mut self.running {
            // Both fail only when it is gone already.
            drop(node.kill());
            drop(node.wait());
        }
    }
}

/// A port that was free a moment ago: Tahoe wants to be told one.
fn free_port() -> Result<u16, Failure> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

fn listening(port: u16) -> (String, String) {
    let at = format!("--port=tcp:{port}:interface=127.0.0.1");
    (at, format!("--location=tcp:127.0.0.1:{port}"))
}
