//! A source and its holders, each a process of its own; nothing outlives the value.

use std::cell::RefCell;
use std::path::Path;

use gbak::demo::agents::Agent;
use serde_json::Value;

use crate::agents::founded;
use crate::{Failure, cost};

/// The source, then its holders.
pub(crate) struct Grid {
    agents: Vec<Agent>,
    /// What the last backup said.
    last: RefCell<Value>,
    /// What the last restore said.
    restored: RefCell<Value>,
}

impl Grid {
    /// Founds a grid below `dir`, with the source and `holders` more agents.
    pub(crate) fn found(program: &Path, dir: &Path, holders: usize) -> Result<Self, Failure> {
        std::fs::create_dir(dir)?;
        let agents = founded(program, dir, holders)?;
        Ok(Self { agents, last: RefCell::default(), restored: RefCell::default() })
    }

    fn source(&self) -> Result<&Agent, Failure> {
        self.agents.first().ok_or_else(|| "a grid without a source".into())
    }

    /// Backs a directory up. Without holders the snapshot stays queued, which is what was asked.
    pub(crate) fn backup(&self, dir: &Path, options: &[&str]) -> Result<(), Failure> {
        let path = dir.to_string_lossy();
        let args = [&["backup", &path, "--json"], options].concat();
        let (summary, code) = self.source()?.run(&args)?;
        let queued = code == 4 && summary["queued_packs"].as_u64() > Some(0);
        if code != 0 && !(queued && self.agents.len() == 1) {
            return Err(format!("backup: exit {code}: {summary}").into());
        }
        self.last.replace(summary);
        Ok(())
    }

    /// Compressed bytes of new chunks of the last backup, in MB.
    pub(crate) fn stored_mb(&self) -> Result<f64, Failure> {
        let stored = self.last.borrow()["data_added_packed"].as_u64();
        Ok(stored.ok_or("no data_added_packed in the summary")? as f64 / 1e6)
    }

    /// Restores what the newest snapshot has at `path`.
    pub(crate) fn restore(&self, path: &Path, target: &Path) -> Result<(), Failure> {
        let (spec, target) = (format!("latest:{}", path.display()), target.to_string_lossy());
        let summary = self.source()?.expect(&["restore", &spec, "--target", &target, "--json"])?;
        self.restored.replace(summary);
        Ok(())
    }

    /// Bytes that came from holders for the last restore, in MB.
    pub(crate) fn received_mb(&self) -> Result<f64, Failure> {
        let received = self.restored.borrow()["bytes_received"].as_u64();
        Ok(received.ok_or("no bytes_received in the summary")? as f64 / 1e6)
    }

    /// Reads everything back, from all who hold it.
    pub(crate) fn verify(&self) -> Result<(), Failure> {
        self.source()?.expect(&["check", "--read-data", "--json"])?;
        Ok(())
    }

    /// Keeps the newest snapshot only, and gives up what no other needs.
    pub(crate) fn keep_the_newest(&self) -> Result<(), Failure> {
        self.source()?.expect(&["forget", "--keep-last", "1", "--json"])?;
        self.source()?.expect(&["prune", "--keep-delete", "0s", "--json"])?;
        Ok(())
    }

    /// The most memory the source's agent ever had, in MB.
    pub(crate) fn peak_mb(&self) -> Result<f64, Failure> {
        let pid = self.source()?.pid().ok_or("the source does not run")?;
        Ok(cost::peak_mb(pid).ok_or("no VmHWM")?)
    }

    /// Processor time of the source's agent since it began, in seconds.
    pub(crate) fn cpu(&self) -> Result<f64, Failure> {
        let pid = self.source()?.pid().ok_or("the source does not run")?;
        cost::own_cpu(pid)
    }

    /// Kills the last `count` holders without warning.
    pub(crate) fn lose(&mut self, count: usize) {
        self.agents.iter_mut().rev().take(count).for_each(Agent::kill);
    }
}
