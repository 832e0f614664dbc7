//! Where files can be: the disk itself, and what passes everything on to it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::Failure;
use crate::moose::Moose;

/// Somewhere to keep files.
pub(crate) trait Place {
    /// What it is called.
    fn name(&self) -> String;
    /// Where files go.
    fn dir(&self) -> &Path;
    /// Everything written is where it is meant to be in the end.
    fn settle(&mut self) -> Result<(), Failure> {
        Ok(())
    }
    /// Nothing of it is in memory, nor nearer than where it is meant to be in the end.
    fn chill(&mut self) -> Result<(), Failure> {
        drop_caches()
    }
}

/// A rival, if it is installed.
pub(crate) fn rival(name: &str, dir: &Path) -> Result<Option<Box<dyn Place>>, Failure> {
    let missing = |program: &str| {
        writeln!(std::io::stdout(), "{name}: not measured, {program} is not installed")?;
        Ok(None)
    };
    match name {
        "disk" => Ok(Some(Box::new(Disk::at(dir.join("disk"))?))),
        "bindfs" if which("bindfs") => Ok(Some(Box::new(Bindfs::at(&dir.join("bindfs"))?))),
        "bindfs" => missing("bindfs"),
        "moosefs" => match Moose::PROGRAMS.into_iter().find(|program| !which(program)) {
            None => Ok(Some(Box::new(Moose::start(&dir.join("moosefs"))?))),
            Some(program) => missing(program),
        },
        "" => Ok(None),
        other => Err(format!("no place {other}").into()),
    }
}

fn which(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join(name).is_file())
}

/// The kernel forgets what it can read again.
pub(crate) fn drop_caches() -> Result<(), Failure> {
    rustix::fs::sync();
    Ok(std::fs::write("/proc/sys/vm/drop_caches", "3")?)
}

/// A child process that is stopped by its number and waited for.
pub(crate) struct Served(Child);

impl Served {
    pub(crate) fn start(command: &mut Command) -> Result<Self, Failure> {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Self(command.spawn()?))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.0);
        // Fails only when it is gone already.
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap_or_default();
        drop(self.0.wait());
    }
}

/// Asks again and again, for up to a minute, whether something has come about.
pub(crate) fn until(what: &str, mut is: impl FnMut() -> bool) -> Result<(), Failure> {
    for _ in 0..600 {
        if is() {
            return Ok(());
        }
        std::thread::park_timeout(Duration::from_millis(100));
    }
    Err(format!("{what}: not after a minute").into())
}

/// Whether something is mounted exactly there.
pub(crate) fn is_mounted(dir: &Path) -> bool {
    let table = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    table.lines().any(|line| line.split(' ').nth(4).is_some_and(|at| Path::new(at) == dir))
}

struct Disk(PathBuf);

impl Disk {
    fn at(dir: PathBuf) -> Result<Self, Failure> {
        std::fs::create_dir(&dir)?;
        Ok(Self(dir))
    }
}

impl Place for Disk {
    fn name(&self) -> String {
        "the disk".to_owned()
    }

    fn dir(&self) -> &Path {
        &self.0
    }
}

struct Bindfs {
    mount: PathBuf,
    _served: Served,
}

impl Bindfs {
    fn at(dir: &Path) -> Result<Self, Failure> {
        let (below, mount) = (dir.join("below"), dir.join("mount"));
        std::fs::create_dir_all(&below)?;
        std::fs::create_dir(&mount)?;
        let served = Served::start(Command::new("bindfs").arg("-f").args([&below, &mount]))?;
        until("bindfs", || is_mounted(&mount))?;
        Ok(Self { mount, _served: served })
    }
}

impl Place for Bindfs {
    fn name(&self) -> String {
        "bindfs".to_owned()
    }

    fn dir(&self) -> &Path {
        &self.mount
    }
}

impl Drop for Bindfs {
    fn drop(&mut self) {
        detach(&self.mount);
    }
}

/// Takes away what is mounted, whoever serves it.
pub(crate) fn detach(dir: &Path) {
    rustix::mount::unmount(dir, rustix::mount::UnmountFlags::DETACH).unwrap_or_default();
}
