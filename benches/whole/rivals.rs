//! Other backup programs on the same work, and gbak as they are: one process, one local store.
//!
//! Each one found installed takes its turn step by step, so that whatever else the machine does
//! meets all alike. restic and rustic and borg are known; each restored tree is compared.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cost::{self, Cost};
use crate::{Failure, compared};

/// Which program, and how it is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Gbak,
    Restic,
    Rustic,
    Borg,
}

impl Kind {
    /// Exit codes of work that was done: gbak says 4 of a snapshot that waits for holders, borg 1
    /// of warnings. What was restored is compared anyway.
    const fn good(self) -> &'static [i32] {
        match self {
            Self::Gbak => &[0, 4],
            Self::Borg => &[0, 1],
            Self::Restic | Self::Rustic => &[0],
        }
    }
}

/// A program with a store of its own.
pub(crate) struct Rival {
    pub(crate) name: String,
    kind: Kind,
    program: PathBuf,
    store: PathBuf,
}

/// Password of every store: there is nothing to hide.
const PASSWORD: &str = "benchmark";

impl Rival {
    /// gbak, and those of `wanted` that are installed, each with a fresh store below `dir`.
    pub(crate) fn all(
        programs: &[PathBuf],
        wanted: &str,
        dir: &Path,
    ) -> Result<Vec<Self>, Failure> {
        let known = [(Kind::Restic, "restic"), (Kind::Rustic, "rustic"), (Kind::Borg, "borg")];
        let found = known.into_iter().filter(|(_, name)| wanted.split(',').any(|w| w == *name));
        let found = found.filter_map(|(kind, name)| Some((kind, name.to_owned(), which(name)?)));
        let ours = programs.iter().map(|program| {
            let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
            (Kind::Gbak, name, program.clone())
        });
        let all = found.chain(ours).map(|(kind, name, program)| {
            let store = dir.join(format!("store-{name}"));
            Self { name, kind, program, store }
        });
        all.map(Self::prepared).collect()
    }

    fn prepared(self) -> Result<Self, Failure> {
        let words = self.store.with_extension("words");
        let words = words.to_string_lossy();
        let args: Vec<&str> = match self.kind {
            Kind::Restic | Kind::Rustic => vec!["init"],
            Kind::Borg => vec!["init", "-e", "repokey-blake2"],
            Kind::Gbak => vec![
                "init",
                "--name",
                "alone",
                "--phrase-file",
                &words,
                "--donate",
                "none",
                "--no-mdns",
                "--non-interactive",
                "--json",
            ],
        };
        cost::run(self.command().args(args), &[0])?;
        Ok(self)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        let cache = self.store.with_extension("cache");
        command.stderr(std::process::Stdio::null()).env("GBAK_HOME", &self.store);
        command.env("RESTIC_REPOSITORY", &self.store).env("RESTIC_PASSWORD", PASSWORD);
        command.env("RUSTIC_REPOSITORY", &self.store).env("RUSTIC_PASSWORD", PASSWORD);
        command.env("BORG_REPO", &self.store).env("BORG_PASSPHRASE", PASSWORD);
        command.env("BORG_BASE_DIR", &cache).env("XDG_CACHE_HOME", &cache);
        command
    }

    /// Backs `dir` up. gbak has no holders here.
    pub(crate) fn backup(&self, dir: &Path) -> Result<Cost, Failure> {
        let mut command = self.command();
        match self.kind {
            Kind::Restic | Kind::Rustic => command.arg("backup").arg(dir),
            Kind::Borg => {
                command.args(["create", "-C", "zstd,3", "::snapshot-{now:%s%f}"]).arg(dir)
            }
            Kind::Gbak => {
                command.arg("backup").arg(dir).args(["--spool", "--redundancy", "3+2", "--json"])
            }
        };
        cost::run(&mut command, self.kind.good())
    }

    /// Restores the newest snapshot, or `only` of it, below `target`, and compares it with `dir`.
    pub(crate) fn restore(
        &self,
        dir: &Path,
        only: Option<&Path>,
        target: &Path,
    ) -> Result<Cost, Failure> {
        std::fs::create_dir(target)?;
        let mut command = self.command();
        match self.kind {
            Kind::Restic | Kind::Rustic => {
                command.args(["restore", "latest", "--target"]).arg(target);
                only.map(|path| command.arg("--include").arg(path));
            }
            Kind::Borg => {
                command.arg("extract").arg(format!("::{}", self.last()?)).current_dir(target);
                only.map(|path| command.arg(below(path)));
            }
            Kind::Gbak => {
                let what = format!("latest:{}", only.unwrap_or(dir).display());
                command.args(["restore", &what, "--json", "--target"]).arg(target);
            }
        }
        let cost = cost::run(&mut command, self.kind.good())?;
        if only.is_none() {
            let root = if self.kind == Kind::Gbak { Path::new("") } else { below(dir) };
            compared(dir, &target.join(root), &self.name)?;
        }
        Ok(cost)
    }

    /// What is run.
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// Where it keeps what it knows.
    pub(crate) fn home(&self) -> &Path {
        &self.store
    }

    /// Lists the snapshots, as a command that only opens the store.
    pub(crate) fn list(&self) -> Result<Cost, Failure> {
        let args: &[&str] = match self.kind {
            Kind::Gbak => &["snapshots", "--json"],
            Kind::Restic | Kind::Rustic => &["snapshots"],
            Kind::Borg => &["list"],
        };
        cost::run(self.command().args(args), &[0])
    }

    /// The newest of borg's snapshots.
    fn last(&self) -> Result<String, Failure> {
        let output = self.command().args(["list", "--short", "--last", "1"]).output()?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Reads everything back. gbak has no holders to check here: it does so on a grid.
    pub(crate) fn verify(&self) -> Result<Option<Cost>, Failure> {
        let args = match self.kind {
            Kind::Gbak => return Ok(None),
            Kind::Restic | Kind::Rustic => ["check", "--read-data"],
            Kind::Borg => ["check", "--verify-data"],
        };
        cost::run(self.command().args(args), self.kind.good()).map(Some)
    }

    /// What the store takes, in MB. gbak's is the packs that are to be sent, padding and all,
    /// before parity.
    pub(crate) fn stored_mb(&self) -> Result<f64, Failure> {
        let ours = self.kind == Kind::Gbak;
        let dir = if ours { self.store.join("spool") } else { self.store.clone() };
        Ok(bytes_below(&dir)? as f64 / 1e6)
    }
}

/// Where an installed program is.
pub(crate) fn which(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|program| program.is_file())
}

/// As a path below another.
fn below(path: &Path) -> &Path {
    path.strip_prefix("/").unwrap_or(path)
}

fn bytes_below(dir: &Path) -> Result<u64, Failure> {
    let mut sum = 0;
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let meta = entry.metadata()?;
        sum += if meta.is_dir() { bytes_below(&entry.path())? } else { meta.len() };
    }
    Ok(sum)
}
