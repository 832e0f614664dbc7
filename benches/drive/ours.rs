//! A drive pooled from real agents, each a process of its own; nothing outlives the value.

use std::path::{Path, PathBuf};

use gbak::demo::agents::Agent;

use crate::Failure;
use crate::agents::founded;
use crate::places::{Place, detach, drop_caches, until};

/// A mounted drive, and the agents it is pooled from.
pub(crate) struct Drive {
    name: String,
    mount: PathBuf,
    agents: Vec<Agent>,
}

impl Drive {
    /// Founds a grid below `dir`, and mounts a drive of its first agent.
    pub(crate) fn pool(program: &Path, dir: &Path, others: usize) -> Result<Self, Failure> {
        let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let dir = dir.join(format!("of-{name}"));
        std::fs::create_dir(&dir)?;
        let agents = founded(program, &dir, others)?;
        let drive = Self { name, mount: dir.join("mount"), agents };
        std::fs::create_dir(&drive.mount)?;
        // Whatever else it warns of.
        let status = || drive.agents.first().and_then(|one| one.run(&["status", "--json"]).ok());
        until("the agents", || status().is_some_and(|(it, _)| it["peers_online"] == others))?;
        drive.ask(&["drive", "create", "work", "--cache", "4GiB"])?;
        drive.mount()?;
        Ok(drive)
    }

    fn ask(&self, args: &[&str]) -> Result<serde_json::Value, Failure> {
        let agent = self.agents.first().ok_or("no agent")?;
        Ok(agent.expect(&[args, &["--json"]].concat())?)
    }

    fn mount(&self) -> Result<(), Failure> {
        self.ask(&["drive", "mount", "work", &self.mount.to_string_lossy()])?;
        Ok(())
    }
}

impl Place for Drive {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn dir(&self) -> &Path {
        &self.mount
    }

    fn settle(&mut self) -> Result<(), Failure> {
        self.ask(&["drive", "sync", "work", "--wait", "grid"])?;
        Ok(())
    }

    /// The drive is taken off this machine and comes back from the grid.
    fn chill(&mut self) -> Result<(), Failure> {
        self.settle()?;
        self.ask(&["drive", "unmount", "work"])?;
        let deleted = self.ask(&["drive", "delete", "work"])?;
        if deleted["snapshots_kept"].as_u64().unwrap_or_default() == 0 {
            return Err("nothing of the drive is on the grid".into());
        }
        let reads = self.agents.first().map(|agent| agent.home().join("reads"));
        for entry in reads.iter().filter_map(|dir| std::fs::read_dir(dir).ok()).flatten() {
            std::fs::remove_file(entry?.path())?;
        }
        self.mount()?;
        drop_caches()
    }
}

impl Drop for Drive {
    fn drop(&mut self) {
        detach(&self.mount);
    }
}
