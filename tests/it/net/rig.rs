//! A grid of child processes, for one test.

use std::path::{Path, PathBuf};

use gbak::demo::agents::Agent;
use gbak::demo::compare::compare;
use jiff::Timestamp;
use serde_json::Value;
use tempfile::TempDir;

/// The program under test.
pub(crate) fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_gbak"))
}

/// Homes below one directory; the first founded the grid.
pub(crate) struct Rig {
    pub(crate) dir: TempDir,
    pub(crate) agents: Vec<Agent>,
}

impl Rig {
    /// A grid of this many agents, all running.
    pub(crate) fn new(count: usize) -> Self {
        let mut rig = Self { dir: tempfile::tempdir().unwrap(), agents: Vec::new() };
        for n in 0..count {
            rig.add(&format!("peer{n}"));
        }
        rig
    }

    /// Adds one member more, and starts its agent.
    pub(crate) fn add(&mut self, name: &str) {
        let mut agent = self.home(name);
        let words = self.words(name);
        let mut args = init_args(name, &words);
        let invite = self.agents.first().map(invite);
        if let Some(invite) = &invite {
            args.extend(["--join", invite]);
        }
        agent.expect(&args).unwrap();
        agent.start().unwrap();
        self.agents.push(agent);
    }

    /// A home that does not exist yet.
    pub(crate) fn home(&self, name: &str) -> Agent {
        Agent::new(program(), self.dir.path(), name)
    }

    /// Where a member's phrase is.
    pub(crate) fn words(&self, name: &str) -> String {
        self.path(&format!("{name}.words")).to_str().unwrap().to_owned()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The first member, on a new machine, from its words and `via`'s address. No agent runs on it.
    pub(crate) fn recover(&self, name: &str, via: &Agent) -> (Agent, Value) {
        self.recover_as_of(name, via, None)
    }

    /// The same, back to a moment in seconds since 1970.
    pub(crate) fn recover_as_of(
        &self,
        name: &str,
        via: &Agent,
        secs: Option<u64>,
    ) -> (Agent, Value) {
        let new = self.home(name);
        let words = self.words(self.agents[0].name());
        let bootstrap = address(via);
        let mut args = vec!["recover", "--phrase-file", &words, "--bootstrap", &bootstrap];
        args.extend(["--listen", LOOPBACK, "--no-mdns", "--name", name, "--donate", "1GiB"]);
        args.extend(["--non-interactive", "--json"]);
        let moment = secs.map(|secs| Timestamp::from_second(secs as i64).unwrap().to_string());
        args.extend(moment.iter().flat_map(|moment| ["--as-of", moment.as_str()]));
        let found = new.expect(&args).unwrap();
        (new, found)
    }
}

impl Drop for Rig {
    /// Drives come back with their agents: none outlives its grid.
    fn drop(&mut self) {
        self.agents.iter_mut().for_each(Agent::kill);
        let table = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let points = table.lines().filter_map(|line| line.split(' ').nth(4));
        for point in points.filter(|point| Path::new(point).starts_with(self.dir.path())) {
            // Fails when it is gone already.
            rustix::mount::unmount(point, rustix::mount::UnmountFlags::DETACH).unwrap_or_default();
        }
    }
}

pub(crate) const LOOPBACK: &str = "/ip4/127.0.0.1/tcp/0";

pub(crate) fn init_args<'a>(name: &'a str, words: &'a str) -> Vec<&'a str> {
    vec![
        "init",
        "--name",
        name,
        "--donate",
        "4GiB",
        "--min-free",
        "64MiB",
        "--listen",
        LOOPBACK,
        "--phrase-file",
        words,
        "--no-mdns",
        "--non-interactive",
        "--json",
    ]
}

pub(crate) fn invite(founder: &Agent) -> String {
    founder.expect(&["invite", "--json"]).unwrap()["invite"].as_str().unwrap().to_owned()
}

/// Waits until so many peers are connected to a running agent.
pub(crate) fn online(agent: &Agent, count: u64) {
    // Nothing says when: it is looked at again and again, for as long as it takes until one that
    // was gone is dialled again.
    let connected = |_: &u32| {
        let online = agent.run(&["status", "--json"]).unwrap().0["peers_online"] == count;
        if !online {
            std::thread::park_timeout(std::time::Duration::from_millis(50));
        }
        online
    };
    assert!((0..2_000).any(|n| connected(&n)), "{count} peers never came online");
}

/// Where a running agent can be reached.
pub(crate) fn address(agent: &Agent) -> String {
    let (status, _) = agent.run(&["status", "--json"]).unwrap();
    status["listen"][0].as_str().unwrap().to_owned()
}

/// Backs `path` up and expects everything to be safe.
pub(crate) fn backup(agent: &Agent, path: &Path) -> Value {
    agent.expect(&["backup", path.to_str().unwrap(), "--json"]).unwrap()
}

/// Restores what a snapshot has of `source` to a fresh directory, and compares it with `like`.
pub(crate) fn restores(rig: &Rig, agent: &Agent, snapshot: &str, source: &Path, like: &Path) {
    let target = rig.path(&format!("restored-{snapshot}-{}", agent.name()));
    let spec = format!("{snapshot}:{}", source.display());
    let target_text = target.to_str().unwrap();
    let summary = agent.expect(&["restore", &spec, "--target", target_text, "--json"]).unwrap();
    assert_eq!(summary["problems"], serde_json::json!([]));
    let comparison = compare(like, &target).unwrap();
    assert_eq!(comparison.differences, Vec::<String>::new(), "snapshot {snapshot}");
    std::fs::remove_dir_all(target).unwrap();
}

/// A faithful copy of a tree.
pub(crate) fn copy_tree(from: &Path, to: &Path) {
    let copied = std::process::Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(copied.success());
}
