//! The adapter between WebDAV and [`Files`]: with what it is made of the only one that names
//! `dav_server`. Sockets, tokens and headers are the daemon's.
//!
//! What blocks runs on the [`Offload`]; what waits for the grid has a deadline and ends in an error
//! of the server. A file is put whole or not at all, and durable before it is answered for, because
//! HTTP has no way to ask for it later. Symbolic links are followed as far as they stay in the
//! tree; what is neither a file nor a directory is not shown. Whoever has mounted the same drive is
//! told of every change ([`Kernel`]).
//!
//! The crate's own walks go as deep on the stack as the tree does. So it is shown one thing instead
//! of a directory where something is removed, moved or copied whole ([`Whole`]), and that is done
//! here, as deep as it may be.

use std::sync::Arc;
use std::time::Duration;

use dav_server::davpath::DavPath;
use dav_server::fakels::FakeLs;
use dav_server::fs::FsError;
use dav_server::{DavConfig, DavHandler, DavMethodSet};
use rustix::io::Errno;

use super::ops::{Caller, Files, Stop};
use super::patience::late;
use super::session::{DEADLINE, Kernel};
use crate::offload::{Offload, offload};

mod file;
mod path;
mod props;
mod site;
mod transfer;

/// Bytes that are read, and written, at once.
const PIECE: usize = 1 << 20;
/// What begins or ends in a piece of XML: whoever reads it goes as deep on the stack as it is
/// nested.
pub const XML_TAGS: usize = 512;
/// How often an answer may turn out to need something more.
const ASKED_AGAIN: usize = 8;

/// What a request does to everything below its path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Whole {
    /// Nothing, or only to what it names.
    #[default]
    Nothing,
    /// Takes it away.
    Remove,
    /// Gives it another name; what is there goes.
    Move,
    /// Makes another one like it; what is there goes.
    Copy {
        /// What is copied.
        from: Vec<u8>,
    },
}

/// A request that cannot be done, whatever is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Impossible {
    /// The whole tree would go, or one thing end up in itself.
    #[error("The root cannot be moved, replaced or removed, and nothing be put into itself")]
    Nested,
    /// It names nothing.
    #[error("The path cannot be understood")]
    Unreadable,
}

impl Whole {
    /// What `verb` does to the tree at `path`, and at `to` for those that have one.
    pub fn of(verb: &str, path: &str, to: Option<&str>, shallow: bool) -> Result<Self, Impossible> {
        if !matches!(verb, "DELETE" | "MOVE" | "COPY") {
            return Ok(Self::Nothing);
        }
        let from = plain(path)?;
        if verb == "DELETE" {
            return if from == b"/" { Err(Impossible::Nested) } else { Ok(Self::Remove) };
        }
        let to = plain(to.ok_or(Impossible::Unreadable)?)?;
        if is_below(&to, &from) || is_below(&from, &to) {
            return Err(Impossible::Nested);
        }
        Ok(match verb {
            "MOVE" => Self::Move,
            _ if shallow => Self::Nothing,
            _ => Self::Copy { from },
        })
    }
}

/// A path without escapes, dots and a slash at its end.
fn plain(path: &str) -> Result<Vec<u8>, Impossible> {
    let path = DavPath::new(path).map_err(|_said| Impossible::Unreadable)?;
    Ok(joined(&path))
}

fn joined(path: &DavPath) -> Vec<u8> {
    let bytes = path.as_bytes();
    match bytes.strip_suffix(b"/") {
        Some(rest) if !rest.is_empty() => rest.to_vec(),
        _ => bytes.to_vec(),
    }
}

/// Whether `path` is `above` or somewhere below it.
fn is_below(path: &[u8], above: &[u8]) -> bool {
    above == b"/"
        || path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

/// Whether XML can be read: it is not nested deep, whatever else it is.
pub fn is_shallow(xml: &[u8]) -> bool {
    xml.split(|byte| *byte == b'<').count() <= XML_TAGS
}

/// A tree that is served.
#[derive(Clone)]
pub struct Dav {
    shared: Arc<Shared>,
    read_only: bool,
}

impl std::fmt::Debug for Dav {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dav").field("read_only", &self.read_only).finish_non_exhaustive()
    }
}

/// What every request works with.
struct Shared {
    files: Arc<dyn Files>,
    offload: Arc<dyn Offload>,
    kernel: Arc<Kernel>,
    /// Whom the files belong to that are made.
    who: Caller,
    deadline: Duration,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Dav {
    /// Serves `files`; `kernel` hears of what changes.
    pub fn new(
        files: Arc<dyn Files>,
        offload: Arc<dyn Offload>,
        kernel: Arc<Kernel>,
        read_only: bool,
    ) -> Self {
        let who = Caller {
            uid: rustix::process::geteuid().as_raw(),
            gid: rustix::process::getegid().as_raw(),
        };
        let shared = Shared { files, offload, kernel, who, deadline: DEADLINE };
        Self { shared: Arc::new(shared), read_only }
    }

    /// What answers one request, which does `whole` to the tree. Locks are granted to everybody:
    /// some systems write only where they can lock.
    pub fn handler(&self, whole: Whole) -> DavHandler {
        let methods =
            if self.read_only { DavMethodSet::WEBDAV_RO } else { DavMethodSet::WEBDAV_RW };
        let config = DavConfig::new()
            .filesystem(Box::new(site::Site { shared: Arc::clone(&self.shared), whole }))
            .methods(methods)
            .hide_symlinks(false)
            .autoindex(true)
            .read_buf_size(PIECE);
        let config = if self.read_only { config } else { config.locksystem(FakeLs::new()) };
        config.build_handler()
    }
}

impl Shared {
    /// Runs what blocks.
    async fn work<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, Errno> + Send + 'static,
    ) -> Result<T, Errno> {
        let shared = Arc::clone(self);
        offload(&self.offload, move || work(&shared)).await.unwrap_or(Err(Errno::IO))
    }

    /// What `ask` answers: now, or when what it waits for is there, or EIO at the deadline.
    async fn ask<T>(
        &self,
        mut ask: impl FnMut(&dyn Files) -> Result<T, Stop> + Send,
    ) -> Result<T, Errno> {
        let asking = async {
            for _ in 0..ASKED_AGAIN {
                match ask(&*self.files) {
                    Ok(value) => return Ok(value),
                    Err(Stop::Errno(errno)) => return Err(errno),
                    Err(Stop::Wait(wait)) => wait.await?,
                }
            }
            Err(Errno::IO)
        };
        tokio::time::timeout(self.deadline, asking).await.unwrap_or_else(|_late| late())
    }
}

/// What HTTP calls an error.
fn fault(errno: Errno) -> FsError {
    match errno {
        Errno::NOSPC | Errno::DQUOT | Errno::MLINK => FsError::InsufficientStorage,
        Errno::FBIG => FsError::TooLarge,
        Errno::NOENT => FsError::NotFound,
        Errno::EXIST | Errno::NOTEMPTY => FsError::Exists,
        Errno::NAMETOOLONG => FsError::PathTooLong,
        Errno::LOOP => FsError::LoopDetected,
        Errno::OPNOTSUPP => FsError::NotImplemented,
        Errno::ROFS | Errno::ACCESS | Errno::PERM | Errno::ISDIR | Errno::NOTDIR | Errno::INVAL => {
            FsError::Forbidden
        }
        _ => FsError::GeneralFailure,
    }
}
