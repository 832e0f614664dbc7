//! The main job on an embedded grid of real processes: back up, lose two holders and the source,
//! get everything back from the words, compare every byte and attribute.
//!
//! Everything happens below one temporary directory and on loopback, and is gone afterwards.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::api::setup::{DemoArgs, DemoLine, DemoView};

pub mod agents;
pub mod compare;
pub mod sample;

use agents::Agent;

/// Who takes part; the first is the source.
const NAMES: [&str; 5] = ["ada", "bob", "cleo", "dan", "eve"];
/// Holders that are killed.
const KILLED: usize = 2;
const LOOPBACK: &str = "/ip4/127.0.0.1/tcp/0";

/// Why the demonstration could not be carried out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DemoError {
    /// The system refused something.
    #[error("Cannot {what}")]
    Io {
        /// What was attempted.
        what: &'static str,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// A command failed.
    #[error("{who}: `gbak {what}` failed: {reason}")]
    Command {
        /// On whose home.
        who: String,
        /// Which command.
        what: String,
        /// What it said.
        reason: String,
    },
    /// An agent ended before it listened.
    #[error("An agent did not start")]
    Silent,
    /// A command printed something else than it should.
    #[error("`gbak {what}` printed no {field}")]
    Output {
        /// Which command.
        what: &'static str,
        /// What is missing.
        field: &'static str,
    },
}

/// Runs it with `program` as the agent. `on_line` gets each step when it is through.
pub fn run(
    program: &Path,
    args: &DemoArgs,
    on_line: &mut dyn FnMut(DemoLine),
) -> Result<DemoView, DemoError> {
    let dir = tempfile::Builder::new()
        .prefix("gbak-demo-")
        .tempdir()
        .map_err(|source| DemoError::Io { what: "make a temporary directory", source })?;
    let mut demo = Demo { program, dir: dir.path(), agents: Vec::new(), on_line };
    let started = tokio::time::Instant::now();
    let source = demo.source(args)?;
    demo.found_grid()?;
    demo.back_up(&source, args.dir.is_none())?;
    let bootstrap = demo.disaster()?;
    let restored = demo.bring_back(&bootstrap, &source)?;
    let comparison = demo.compare(&source, &restored)?;
    Ok(DemoView {
        schema: "gbak.demo/1".to_owned(),
        peers: NAMES.len() as u64,
        killed: KILLED as u64 + 1,
        entries: comparison.entries,
        bytes: comparison.bytes,
        identical: comparison.differences.is_empty(),
        differences: comparison.differences,
        seconds: started.elapsed().as_secs_f64(),
    })
}

struct Demo<'a> {
    program: &'a Path,
    dir: &'a Path,
    agents: Vec<Agent>,
    on_line: &'a mut dyn FnMut(DemoLine),
}

impl Demo<'_> {
    fn done(&mut self, step: impl Into<String>, outcome: impl Into<String>, since: Since) {
        let (step, outcome, seconds) = (step.into(), outcome.into(), since.seconds());
        (self.on_line)(DemoLine { step, outcome, seconds });
    }

    /// The tree to back up: the user's, or a generated one.
    fn source(&mut self, args: &DemoArgs) -> Result<PathBuf, DemoError> {
        use std::os::unix::ffi::OsStrExt;
        if let Some(dir) = &args.dir {
            return Ok(PathBuf::from(std::ffi::OsStr::from_bytes(&dir.0)));
        }
        let since = Since::now();
        let source = self.dir.join("source");
        std::fs::create_dir(&source)
            .and_then(|()| sample::make(&source))
            .map_err(|source| DemoError::Io { what: "make the sample tree", source })?;
        self.done(
            "make a sample tree",
            "every kind of file, sparse and odd ones among them",
            since,
        );
        Ok(source)
    }

    /// Five homes: the first founds the grid, the others join it by invitation.
    fn found_grid(&mut self) -> Result<(), DemoError> {
        let since = Since::now();
        let words = self.dir.join("words.txt");
        for name in NAMES {
            let mut agent = Agent::new(self.program, self.dir, name);
            let invite = match self.agents.first() {
                None => None,
                Some(founder) => {
                    let invite = founder.expect(&["invite", "--json"])?;
                    Some(text(&invite, "invite", "invite")?)
                }
            };
            let phrase = if invite.is_none() {
                words.clone()
            } else {
                self.dir.join(name).with_extension("words")
            };
            agent.expect(&init_args(name, &phrase.to_string_lossy(), invite.as_deref()))?;
            agent.start()?;
            self.agents.push(agent);
        }
        let outcome = format!("{} processes on loopback, joined by invitation", NAMES.len());
        self.done("start five agents", outcome, since);
        Ok(())
    }

    fn back_up(&mut self, source: &Path, ours: bool) -> Result<(), DemoError> {
        let path = source.to_string_lossy().into_owned();
        let mut rounds = vec!["back up", "back up again, unchanged"];
        if ours {
            rounds.push("change a few files, back up");
        }
        for (round, step) in rounds.into_iter().enumerate() {
            let since = Since::now();
            if round == 2 {
                sample::edit(source)
                    .map_err(|source| DemoError::Io { what: "edit the sample tree", source })?;
            }
            let summary = self.agents[0].expect(&["backup", &path, "--json"])?;
            self.done(step, describe_backup(&summary), since);
        }
        Ok(())
    }

    /// Kills two holders and the source, and deletes the source's home. Returns an address that is
    /// left.
    fn disaster(&mut self) -> Result<String, DemoError> {
        let since = Since::now();
        let last = self.agents.len() - 1;
        let status = self.agents[last].expect_status()?;
        let bootstrap = status["listen"][0].as_str().map(str::to_owned);
        let bootstrap = bootstrap.ok_or(DemoError::Output { what: "status", field: "listen" })?;
        for agent in self.agents.iter_mut().take(1 + KILLED) {
            agent.kill();
        }
        std::fs::remove_dir_all(self.agents[0].home())
            .map_err(|source| DemoError::Io { what: "delete the source's home", source })?;
        let names = NAMES[1..=KILLED].join(" and ");
        let outcome = format!("{names} killed, {} and its home gone", NAMES[0]);
        self.done("kill two holders and the source", outcome, since);
        Ok(bootstrap)
    }

    fn bring_back(&mut self, bootstrap: &str, source: &Path) -> Result<PathBuf, DemoError> {
        let since = Since::now();
        let words = self.dir.join("words.txt").to_string_lossy().into_owned();
        let new = Agent::new(self.program, self.dir, "new-machine");
        let found = new.expect(&[
            "recover",
            "--phrase-file",
            &words,
            "--bootstrap",
            bootstrap,
            "--listen",
            LOOPBACK,
            "--no-mdns",
            "--name",
            "new-machine",
            "--donate",
            "1GiB",
            "--non-interactive",
            "--json",
        ])?;
        let outcome =
            format!("{} snapshots found, newest head {}", found["snapshots"], found["head_seq"]);
        self.done("recover on a new machine from the words", outcome, since);
        let since = Since::now();
        let target = self.dir.join("restored");
        let spec = format!("latest:{}", source.display());
        let target_text = target.to_string_lossy().into_owned();
        let summary = new.expect(&["restore", &spec, "--target", &target_text, "--json"])?;
        let outcome = format!(
            "{} entries, {}",
            summary["files_restored"],
            mebibytes(&summary["bytes_restored"])
        );
        self.done("restore", outcome, since);
        Ok(target)
    }

    fn compare(
        &mut self,
        source: &Path,
        restored: &Path,
    ) -> Result<compare::Comparison, DemoError> {
        let since = Since::now();
        let comparison = compare::compare(source, restored)
            .map_err(|source| DemoError::Io { what: "compare the trees", source })?;
        let outcome = match comparison.differences.len() {
            0 => "every byte and attribute is the same".to_owned(),
            count => format!("{count} differences"),
        };
        self.done("compare with the original", outcome, since);
        Ok(comparison)
    }
}

impl Agent {
    /// The state of a home, whatever its level.
    fn expect_status(&self) -> Result<Value, DemoError> {
        Ok(self.run(&["status", "--json"])?.0)
    }
}

fn init_args<'a>(name: &'a str, phrase: &'a str, invite: Option<&'a str>) -> Vec<&'a str> {
    let mut args = vec![
        "init",
        "--name",
        name,
        "--donate",
        "2GiB",
        "--min-free",
        "64MiB",
        "--listen",
        LOOPBACK,
        "--phrase-file",
        phrase,
        "--no-mdns",
        "--non-interactive",
        "--json",
    ];
    if let Some(invite) = invite {
        args.extend(["--join", invite]);
    }
    args
}

fn describe_backup(summary: &Value) -> String {
    let redundancy = &summary["redundancy"];
    format!(
        "{} files, {} new, {} sent to {} holders as {}+{}",
        summary["total_files_processed"],
        mebibytes(&summary["data_added"]),
        mebibytes(&summary["bytes_sent"]),
        summary["peers_used"],
        redundancy["k"],
        redundancy["m"],
    )
}

fn mebibytes(bytes: &Value) -> String {
    format!("{:.1} MiB", bytes.as_u64().unwrap_or_default() as f64 / f64::from(1 << 20))
}

fn text(value: &Value, what: &'static str, field: &'static str) -> Result<String, DemoError> {
    value[field].as_str().map(str::to_owned).ok_or(DemoError::Output { what, field })
}

/// A stopwatch.
#[derive(Debug, Clone, Copy)]
struct Since(tokio::time::Instant);

impl Since {
    fn now() -> Self {
        Self(tokio::time::Instant::now())
    }

    fn seconds(self) -> f64 {
        // Below a hundredth of a second nobody cares.
        (self.0.elapsed() + Duration::from_millis(5)).as_secs_f64()
    }
}
