//! What other owners entrusted to this device as their guardian: one directory of files each.
//!
//! Invariants: a file is replaced whole and durably, so a crash leaves the old one or the new one;
//! what all owners together may take is bounded, and less than that is refused in type. What is in
//! the files is for those who write them: here they are bytes.

use std::io;
use std::path::PathBuf;

use chunker::OwnerId;

use crate::files::{read_bounded, write_file_durable};

/// Owners a device is the guardian of at most.
pub const WARDS: usize = 64;
/// What they may take in all, in bytes.
pub const WARD_BYTES: u64 = 512 << 20;

/// Why something entrusted is not kept or not found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WardsError {
    /// Too many owners, or too many bytes.
    #[error("No room to be a guardian of more")]
    Full,
    /// The disk failed.
    #[error("What was entrusted cannot be read or written")]
    Io(#[from] io::Error),
}

/// The files. Every call blocks.
#[derive(Debug, Clone)]
pub struct Wards {
    dir: PathBuf,
}

impl Wards {
    /// Those below this directory, which is made when the first is entrusted.
    pub fn at(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// The owners there are.
    pub fn owners(&self) -> Result<Vec<OwnerId>, WardsError> {
        let entries = match std::fs::read_dir(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut owners = Vec::new();
        for entry in entries {
            // What has another name is not ours.
            if let Ok(owner) = entry?.file_name().to_string_lossy().parse() {
                owners.push(owner);
            }
        }
        owners.sort_unstable();
        Ok(owners)
    }

    /// Keeps one file of an owner, in place of the one of that name.
    pub fn put(&self, owner: OwnerId, name: &str, bytes: &[u8]) -> Result<(), WardsError> {
        let owners = self.owners()?;
        let mut taken = bytes.len() as u64;
        for other in &owners {
            let replaced = (*other == owner).then_some(name);
            taken = taken.saturating_add(self.bytes(other, replaced)?);
        }
        if taken > WARD_BYTES || (owners.len() >= WARDS && !owners.contains(&owner)) {
            return Err(WardsError::Full);
        }
        let dir = self.of(&owner);
        crate::home::make_private_dir(&self.dir)?;
        crate::home::make_private_dir(&dir)?;
        Ok(write_file_durable(&dir.join(name), bytes)?)
    }

    /// A file of an owner, if there is one of at most `limit` bytes.
    pub fn get(
        &self,
        owner: OwnerId,
        name: &str,
        limit: usize,
    ) -> Result<Option<Vec<u8>>, WardsError> {
        match read_bounded(&self.of(&owner).join(name), limit) {
            Ok(bytes) if bytes.len() > limit => Ok(None),
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes those files of an owner that are not to be kept.
    pub fn keep_only(&self, owner: OwnerId, keep: impl Fn(&str) -> bool) -> Result<(), WardsError> {
        for entry in std::fs::read_dir(self.of(&owner))? {
            let entry = entry?;
            if !keep(&entry.file_name().to_string_lossy()) {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// Removes all that an owner entrusted.
    pub fn remove(&self, owner: OwnerId) -> Result<(), WardsError> {
        match std::fs::remove_dir_all(self.of(&owner)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn of(&self, owner: &OwnerId) -> PathBuf {
        self.dir.join(owner.to_string())
    }

    /// Bytes of an owner's files, but for one.
    fn bytes(&self, owner: &OwnerId, but: Option<&str>) -> Result<u64, WardsError> {
        let mut sum = 0;
        for entry in std::fs::read_dir(self.of(owner))? {
            let entry = entry?;
            if but.is_none_or(|but| entry.file_name() != but) {
                sum += entry.metadata()?.len();
            }
        }
        Ok(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(n: u8) -> OwnerId {
        OwnerId::from_bytes([n; 32])
    }

    #[test]
    fn what_is_entrusted_is_there_after_opening_again_until_it_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let wards = Wards::at(dir.path().join("wards"));
        assert!(wards.owners().unwrap().is_empty());
        wards.put(owner(1), "part-0", b"old").unwrap();
        wards.put(owner(1), "part-0", b"new").unwrap();
        wards.put(owner(2), "part-0", b"other").unwrap();
        let again = Wards::at(dir.path().join("wards"));
        assert_eq!(again.owners().unwrap(), [owner(1), owner(2)]);
        assert_eq!(again.get(owner(1), "part-0", 10).unwrap().as_deref(), Some(&b"new"[..]));
        assert_eq!(again.get(owner(1), "part-0", 2).unwrap(), None, "more than was asked for");
        assert_eq!(again.get(owner(1), "part-1", 10).unwrap(), None);
        again.remove(owner(1)).unwrap();
        again.remove(owner(1)).unwrap();
        assert_eq!(again.owners().unwrap(), [owner(2)]);
    }

    #[test]
    fn no_more_owners_than_the_limit() {
        let dir = tempfile::tempdir().unwrap();
        let wards = Wards::at(dir.path());
        for n in 0..WARDS {
            wards.put(owner(n as u8), "x", b"").unwrap();
        }
        let one_more = wards.put(owner(200), "x", b"");
        assert!(matches!(one_more, Err(WardsError::Full)));
        wards.put(owner(3), "y", b"those who are there may go on").unwrap();
    }
}
