//! What goes wrong in a scan: as a whole, and with one entry.

use std::io;
use std::path::PathBuf;

use rustix::io::Errno;

/// Why a scan cannot begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// Nothing to scan.
    #[error("No path to back up")]
    NoPaths,
    /// A source path does not exist.
    #[error("{} does not exist", .0.display())]
    NotFound(PathBuf),
    /// A source path is relative.
    #[error("{} is not an absolute path", .0.display())]
    NotAbsolute(PathBuf),
    /// A source path cannot be looked at.
    #[error("Cannot reach {}", path.display())]
    Unreachable {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: SystemSaid,
    },
    /// A source path goes through a symbolic link which is itself backed up as a link.
    #[error(
        "{} goes through {}, which is a symbolic link of another path",
        path.display(),
        link.display()
    )]
    ThroughLink {
        /// The source path.
        path: PathBuf,
        /// The link on its way.
        link: PathBuf,
    },
    /// An exclude pattern makes no sense.
    #[error("Cannot understand the pattern {pattern:?}")]
    BadPattern {
        /// As it was given.
        pattern: String,
        /// What is wrong with it.
        #[source]
        source: ignore::Error,
    },
}

/// What the system said, in words only: people need no error numbers.
#[derive(Debug)]
pub struct SystemSaid(io::Error);

impl SystemSaid {
    /// For code that branches on it.
    pub fn kind(&self) -> io::ErrorKind {
        self.0.kind()
    }
}

impl From<io::Error> for SystemSaid {
    fn from(error: io::Error) -> Self {
        Self(error)
    }
}

impl From<Errno> for SystemSaid {
    fn from(error: Errno) -> Self {
        Self(error.into())
    }
}

impl std::fmt::Display for SystemSaid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = self.0.to_string();
        f.write_str(text.split(" (os error").next().unwrap_or(&text))
    }
}

impl std::error::Error for SystemSaid {}

/// What is wrong with one entry.
#[derive(Debug, thiserror::Error)]
pub(super) enum ItemError {
    #[error("Cannot read")]
    Read(#[source] SystemSaid),
    #[error("Cannot read its extended attributes")]
    Xattrs(#[source] SystemSaid),
    #[error("It has more than {limit} bytes of extended attributes")]
    TooManyXattrs { limit: usize },
    #[error("It vanished while the source was scanned")]
    Vanished,
    #[error("A source path leads through it, but it is not a directory")]
    NotADirectory,
    #[error("It is not a regular file any more")]
    NotAFile,
    #[error("It is of a kind that cannot be backed up")]
    UnknownKind,
    #[error("Left out: gbak does not back up its own state")]
    Skipped,
}

impl ItemError {
    /// An entry that was listed cannot be looked at.
    pub(super) fn looking(error: Errno) -> Self {
        match error {
            Errno::NOENT => Self::Vanished,
            error => Self::Read(error.into()),
        }
    }

    /// For an interface that speaks `io::Error`.
    pub(super) fn into_io(self) -> io::Error {
        let kind = match &self {
            Self::Read(said) | Self::Xattrs(said) => said.kind(),
            Self::Vanished => io::ErrorKind::NotFound,
            _ => io::ErrorKind::InvalidInput,
        };
        io::Error::new(kind, self)
    }
}
