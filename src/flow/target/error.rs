//! Why an entry cannot be restored, and why an attribute cannot be set.

use rustix::io::Errno;

use crate::flow::scan::SystemSaid;

/// Why an entry cannot be made in the target.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// The target is not there.
    #[error("{} does not exist", Shown(path))]
    NotFound {
        /// The target.
        path: Vec<u8>,
    },
    /// The target is something else.
    #[error("{} is not a directory", Shown(path))]
    NotADirectory {
        /// The target.
        path: Vec<u8>,
    },
    /// A name no file can have, or that leads elsewhere.
    #[error("{} is not a valid name", Shown(path))]
    BadName {
        /// The path with that name.
        path: Vec<u8>,
    },
    /// Deeper than anything real.
    #[error("{depth} directories deep is more than is restored")]
    TooDeep {
        /// How deep.
        depth: usize,
    },
    /// What should be the directory it lies in is not one.
    #[error("{} lies in no directory of the target", Shown(path))]
    NoParent {
        /// The entry.
        path: Vec<u8>,
    },
    /// Something of that name is there and was not to be replaced.
    #[error("{} already exists", Shown(path))]
    Exists {
        /// The entry.
        path: Vec<u8>,
    },
    /// A directory is where something else must go.
    #[error("{} is a directory", Shown(path))]
    IsADirectory {
        /// The entry.
        path: Vec<u8>,
    },
    /// Something else is where a file should be.
    #[error("{} is not a regular file", Shown(path))]
    NotAFile {
        /// The entry.
        path: Vec<u8>,
    },
    /// A symbolic link to nowhere imaginable.
    #[error("{} is a symbolic link with an impossible target", Shown(path))]
    BadLink {
        /// The entry.
        path: Vec<u8>,
    },
    /// Only root may make a device.
    #[error("{} is a device, which only root can make", Shown(path))]
    NeedsRoot {
        /// The entry.
        path: Vec<u8>,
    },
    /// Content that does not fit the size of the file.
    #[error("{} has content beyond its size of {size} bytes", Shown(path))]
    BeyondEnd {
        /// The entry.
        path: Vec<u8>,
        /// Its size.
        size: u64,
    },
    /// What was just made is something else now.
    #[error("{} was changed by somebody else while it was restored", Shown(path))]
    Disturbed {
        /// The entry.
        path: Vec<u8>,
    },
    /// The system refuses.
    #[error("Cannot {what} {}", Shown(path))]
    System {
        /// What was attempted.
        what: &'static str,
        /// The entry.
        path: Vec<u8>,
        /// What the system said.
        #[source]
        source: SystemSaid,
    },
}

impl TargetError {
    /// Whether the disk is full: then the rest will fail too.
    pub fn is_full(&self) -> bool {
        let Self::System { source, .. } = self else { return false };
        matches!(source.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
    }
}

/// For `map_err`: the system refused to do `what` with `path`.
pub(super) fn io(what: &'static str, path: &[u8]) -> impl FnOnce(Errno) -> TargetError {
    move |error| match error {
        Errno::ISDIR => TargetError::IsADirectory { path: path.to_vec() },
        error => TargetError::System { what, path: path.to_vec(), source: error.into() },
    }
}

/// An attribute that could not be set.
#[derive(Debug, thiserror::Error)]
pub(super) enum AttrError {
    #[error("Cannot set its owner to {uid}:{gid}")]
    Owner { uid: u32, gid: u32, source: SystemSaid },
    #[error("Cannot set its permissions")]
    Mode(#[source] SystemSaid),
    #[error("Cannot set its time")]
    Time(#[source] SystemSaid),
    #[error("Cannot set its extended attribute {}{}", Shown(name), AndMore(*others))]
    Xattr { name: Vec<u8>, others: usize, source: SystemSaid },
}

/// How many others failed like it.
struct AndMore(usize);

impl std::fmt::Display for AndMore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0 > 0 { write!(f, " and {} more", self.0) } else { Ok(()) }
    }
}

/// A path from outside, harmless on a terminal: control characters and the marks that turn text
/// around are spelled out.
struct Shown<'a>(&'a [u8]);

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use std::fmt::Write;
        let turns = |c| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        for c in String::from_utf8_lossy(self.0).chars() {
            if c.is_control() || turns(c) {
                write!(f, "{}", c.escape_unicode())?;
            } else {
                f.write_char(c)?;
            }
        }
        Ok(())
    }
}
