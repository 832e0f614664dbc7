//! The grid's devices as this one knew them last, so that a restart finds them without help.
//!
//! Invariants: the file is a cache. Everything in it is verified again when it is taken in; one
//! that is damaged is put aside and the bootstrap addresses have to do. It is written whole, and
//! only when something that matters for finding peers has changed: what they offer does not.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use chunker::Record;
use p2p::wire::Hello;
use p2p::{Members, Offer};
use serde::{Deserialize, Serialize};

/// A roster cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("Cannot write {}", path.display())]
pub struct RosterError {
    /// The file.
    pub path: PathBuf,
    /// What the system says.
    #[source]
    pub source: io::Error,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct RosterFile {
    devices: Vec<Hello>,
}

impl Record for RosterFile {
    const NAME: &'static str = "roster";
    const VERSION: u8 = 1;
    /// Ten thousand devices with many addresses each.
    const LIMIT: usize = 64 * 1024 * 1024;
}

/// Where the roster is kept, and what was written there last.
#[derive(Debug)]
pub(crate) struct RosterKeeper {
    path: PathBuf,
    written: Option<blake3::Hash>,
}

impl RosterKeeper {
    /// In this file.
    pub(crate) const fn new(path: PathBuf) -> Self {
        Self { path, written: None }
    }

    /// The devices kept; none when there is no file or it is unusable. Blocks.
    pub(crate) fn load(&mut self) -> Vec<Hello> {
        match read(&self.path) {
            Ok(Some(roster)) => {
                self.written = Some(digest(&roster.devices));
                roster.devices
            }
            Ok(None) => Vec::new(),
            Err(error) => {
                let aside = self.path.with_extension("damaged");
                let moved = std::fs::rename(&self.path, &aside);
                tracing::warn!(%error, ?moved, "roster unusable, put aside");
                Vec::new()
            }
        }
    }

    /// Writes what is known now, if it differs in what matters. Blocks.
    pub(crate) fn save(&mut self, members: &Members) -> Result<(), RosterError> {
        let devices = members.known();
        let digest = digest(&devices);
        if self.written == Some(digest) {
            return Ok(());
        }
        let bytes = RosterFile { devices }.encode();
        store::write_file_durable(&self.path, &bytes)
            .map_err(|source| RosterError { path: self.path.clone(), source })?;
        self.written = Some(digest);
        Ok(())
    }
}

fn read(path: &Path) -> io::Result<Option<RosterFile>> {
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(RosterFile::LIMIT as u64 + 1).read_to_end(&mut bytes)?;
    RosterFile::decode(&bytes).map(Some).map_err(io::Error::other)
}

/// Of who is known and where they listen.
fn digest(devices: &[Hello]) -> blake3::Hash {
    let devices = devices.iter().cloned();
    let devices = devices.map(|hello| Hello { offer: Offer::default(), ..hello }).collect();
    blake3::hash(&RosterFile { devices }.encode())
}

#[cfg(test)]
pub(super) mod tests;
