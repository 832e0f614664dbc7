//! Mounting and unmounting: a session reads the kernel's requests on threads of its own until the
//! tree is unmounted, by whomever.
//!
//! A mount point that a dead process left behind answers nothing but errors; it is taken away
//! before a new mount, and `unmount` takes it away as well.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fuser::{Config, INodeNo, MountOption, Notifier, Session, SessionACL};
use rustix::io::Errno;
use rustix::mount::UnmountFlags;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::fuse::Adapter;
use super::ops::{Files, Ino};

#[cfg(test)]
mod tests;

/// How the kernel names file systems like ours; with a subtype where a helper mounted it.
const FS_TYPE: &[u8] = b"fuse";
/// What the sources of our mounts begin with.
const SOURCE: &str = "gbak:";
/// Threads that read requests: what waits for the grid does not hold one, but what waits for this
/// disk does.
const THREADS: usize = 4;
/// In place of where bytes begin: none are meant.
const ATTR_ONLY: i64 = -1;
/// How long a request may wait for the grid. Longer than holders are asked one after another,
/// shorter than people wait before they pull a plug.
pub(super) const DEADLINE: Duration = Duration::from_secs(30);

/// Why something is not mounted, or still is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MountError {
    /// The directory is not there, or is none.
    #[error("{} is not a directory that can be mounted on", path.display())]
    NoDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// Something of ours is mounted there already.
    #[error("{} is mounted already", path.display())]
    Mounted {
        /// The directory.
        path: PathBuf,
    },
    /// Nothing of ours is mounted there.
    #[error("Nothing of gbak is mounted at {}", path.display())]
    NotMounted {
        /// The directory.
        path: PathBuf,
    },
    /// Files on it are open.
    #[error("{} is in use", path.display())]
    Busy {
        /// The directory.
        path: PathBuf,
    },
    /// The system refused.
    #[error("Cannot mount or unmount {}", path.display())]
    System {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

/// What may be done with a mounted tree.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Access {
    /// Looked at.
    #[default]
    ReadOnly,
    /// Changed as well.
    ReadWrite,
}

/// How a tree is mounted.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Shown as the source of the mount.
    pub name: String,
    /// Whether other users of the computer may enter.
    pub allow_other: bool,
    /// What may be done with it.
    pub access: Access,
}

/// A mounted tree.
#[derive(Debug)]
pub struct Mounted {
    dir: PathBuf,
    ended: oneshot::Receiver<()>,
    notifier: Notifier,
}

/// The kernel's memory of a tree that is changed otherwise than through its mount. Nobody may hold
/// a lock of the tree who tells it of a change: it may have to write something back first. Blocks.
#[derive(Debug, Default)]
pub struct Kernel {
    mounted: Mutex<Option<Notifier>>,
}

impl Kernel {
    /// The tree is mounted from now on, or not any more.
    pub fn set(&self, mounted: Option<&Mounted>) {
        *self.mounted.lock().unwrap_or_else(PoisonError::into_inner) =
            mounted.map(|mounted| mounted.notifier.clone());
    }

    /// A name stands for something else, or for nothing: its directory is another one as well.
    pub fn entry(&self, parent: Ino, name: &[u8]) {
        self.tell(|kernel| {
            kernel.inval_entry(INodeNo(parent), OsStr::from_bytes(name))?;
            kernel.inval_inode(INodeNo(parent), ATTR_ONLY, 0)
        });
    }

    /// What `stat` says of it is different.
    pub fn attr(&self, ino: Ino) {
        self.tell(|kernel| kernel.inval_inode(INodeNo(ino), ATTR_ONLY, 0));
    }

    /// Its bytes are different.
    pub fn bytes(&self, ino: Ino) {
        self.tell(|kernel| kernel.inval_inode(INodeNo(ino), 0, 0));
    }

    fn tell(&self, said: impl FnOnce(&Notifier) -> io::Result<()>) {
        let mounted = self.mounted.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // What it does not know, or is not there any more, it need not forget.
        if let Some(Err(error)) = mounted.as_ref().map(said) {
            tracing::debug!(%error, "the kernel did not hear of a change");
        }
    }
}

impl Mounted {
    /// Where.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Waits until it is unmounted, by whomever. Cancel-safe.
    pub async fn ended(&mut self) {
        // An error says that the session is gone, which is the same.
        drop((&mut self.ended).await);
    }
}

/// Takes away what a process that is gone left there, and says whether it can be mounted on.
/// Blocks.
pub fn prepare(dir: &Path) -> Result<(), MountError> {
    let path = dir.to_owned();
    clear(dir)?;
    if is_ours(dir) {
        return Err(MountError::Mounted { path });
    }
    if !std::fs::metadata(dir).is_ok_and(|meta| meta.is_dir()) {
        return Err(MountError::NoDirectory { path });
    }
    Ok(())
}

/// Takes away what a process that is gone left there, if it did. Blocks.
pub fn clear(dir: &Path) -> Result<(), MountError> {
    if is_ours(dir) && is_dead(dir) { unmount_by(dir, UnmountFlags::DETACH) } else { Ok(()) }
}

/// Mounts a tree. Blocks until the kernel answers; `runtime` carries what has to wait.
pub fn mount<F: Files>(
    files: Arc<F>,
    dir: &Path,
    options: &Options,
    runtime: Handle,
) -> Result<Mounted, MountError> {
    prepare(dir)?;
    let path = dir.to_owned();
    let adapter = Adapter::new(files, runtime, DEADLINE);
    let system = |source| MountError::System { path: path.clone(), source };
    let session = Session::new(adapter, dir, &config(options)).map_err(system)?;
    let notifier = session.notifier();
    let (gone, ended) = oneshot::channel();
    let serve = move || {
        if let Err(error) = session.run() {
            tracing::warn!(%error, "a mount ended with an error");
        }
        // Fails when nobody waits for it any more.
        let _nobody = gone.send(());
    };
    // Dropping the session, if there is no thread for it, unmounts.
    let thread = std::thread::Builder::new().name("drive".to_owned()).spawn(serve);
    drop(thread.map_err(system)?);
    Ok(Mounted { dir: dir.to_owned(), ended, notifier })
}

fn config(options: &Options) -> Config {
    let mut config = Config::default();
    config.mount_options = vec![
        MountOption::FSName(format!("{SOURCE}{}", options.name.replace(',', "_"))),
        MountOption::Subtype("gbak".to_owned()),
        MountOption::DefaultPermissions,
        MountOption::NoDev,
        MountOption::NoSuid,
        match options.access {
            Access::ReadOnly => MountOption::RO,
            Access::ReadWrite => MountOption::RW,
        },
    ];
    config.acl = if options.allow_other { SessionACL::All } else { SessionACL::Owner };
    config.n_threads = Some(THREADS);
    config.clone_fd = true;
    config
}

/// Unmounts what of ours is mounted at `dir`, whoever serves it. Blocks.
pub fn unmount(dir: &Path) -> Result<(), MountError> {
    if !is_ours(dir) {
        return Err(MountError::NotMounted { path: dir.to_owned() });
    }
    unmount_by(dir, UnmountFlags::empty())
}

/// Takes the mount out of the tree at once; it ends when the last open file is closed.
pub fn detach(dir: &Path) -> Result<(), MountError> {
    unmount_by(dir, UnmountFlags::DETACH)
}

fn unmount_by(dir: &Path, how: UnmountFlags) -> Result<(), MountError> {
    let path = dir.to_owned();
    match rustix::mount::unmount(dir, how) {
        Ok(()) => Ok(()),
        Err(Errno::BUSY) => Err(MountError::Busy { path }),
        Err(Errno::PERM) => by_helper(dir, how),
        Err(errno) => Err(MountError::System { path, source: errno.into() }),
    }
}

/// Who is not root unmounts through the helper that mounted for it.
fn by_helper(dir: &Path, how: UnmountFlags) -> Result<(), MountError> {
    let path = dir.to_owned();
    let mut command = Command::new("fusermount3");
    command.arg("-u");
    if how.contains(UnmountFlags::DETACH) {
        command.arg("-z");
    }
    command.arg("--").arg(dir).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(MountError::Busy { path }),
        Err(source) => Err(MountError::System { path, source }),
    }
}

/// Whether something of ours is mounted exactly there.
pub fn is_ours(dir: &Path) -> bool {
    let Ok(table) = std::fs::read("/proc/self/mountinfo") else { return false };
    let wanted = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    mounts(&table).any(|at| at == wanted)
}

/// The mount points that are ours.
fn mounts(table: &[u8]) -> impl Iterator<Item = PathBuf> {
    table.split(|byte| *byte == b'\n').filter_map(|line| {
        let mut fields = line.split(|byte| *byte == b' ');
        let at = fields.nth(4)?;
        // Some optional fields, then a dash, then the type and the source.
        let mut fields = fields.skip_while(|field| *field != b"-").skip(1);
        let ours =
            fields.next()?.starts_with(FS_TYPE) && fields.next()?.starts_with(SOURCE.as_bytes());
        ours.then(|| PathBuf::from(OsStr::from_bytes(&unescape(at))))
    })
}

/// The kernel writes blanks, line ends and backslashes as octal numbers.
fn unescape(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..3).and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 8).ok());
        if let (b'\\', Some(byte)) = (first, byte) {
            plain.push(byte);
            rest = after.get(3..).unwrap_or_default();
        } else {
            plain.push(*first);
            rest = after;
        }
    }
    plain
}

/// Whether nobody serves the mount any more.
fn is_dead(dir: &Path) -> bool {
    matches!(rustix::fs::statfs(dir), Err(Errno::NOTCONN | Errno::CONNABORTED))
}
