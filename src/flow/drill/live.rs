//! A restored file beside the live one.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::vault::tree::Stamp;

/// Bytes compared at a time.
const STEP: usize = 256 * 1024;

/// How a restored file compares with the live one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Likeness {
    /// The live file was not touched since, and every byte is the same.
    Identical,
    /// The live file was not touched since, as far as its size and time tell, and bytes differ.
    Differs,
    /// The live file is another one by now, is gone, or cannot be read: nothing to compare with.
    Changed,
}

/// Compares, if the live file still has the size and time that the snapshot has of it.
pub(super) fn compare(restored: &Path, live: &Path, size: u64, mtime: Stamp) -> Likeness {
    let untouched = || {
        std::fs::symlink_metadata(live).is_ok_and(|now| {
            let time = (now.mtime(), now.mtime_nsec());
            now.is_file() && now.len() == size && time == (mtime.secs, i64::from(mtime.nanos))
        })
    };
    if !untouched() {
        return Likeness::Changed;
    }
    match same(restored, live) {
        Ok(true) => Likeness::Identical,
        // Somebody may have written to it in between.
        Ok(false) if untouched() => Likeness::Differs,
        Ok(false) | Err(_) => Likeness::Changed,
    }
}

fn same(one: &Path, other: &Path) -> io::Result<bool> {
    let (mut one, mut other) = (File::open(one)?, File::open(other)?);
    let (mut left, mut right) = (vec![0; STEP], vec![0; STEP]);
    loop {
        let (read, also) = (fill(&mut one, &mut left)?, fill(&mut other, &mut right)?);
        if read != also || left.get(..read) != right.get(..also) {
            return Ok(false);
        }
        if read == 0 {
            return Ok(true);
        }
    }
}

/// Reads until the buffer is full or the file ends.
fn fill(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut len = 0;
    while let Some(rest) = buffer.get_mut(len..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(read) => len += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(len)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(path: &Path) -> Stamp {
        let now = std::fs::metadata(path).unwrap();
        Stamp { secs: now.mtime(), nanos: now.mtime_nsec() as u32 }
    }

    #[test]
    fn only_an_untouched_file_can_differ() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let long = vec![7; 2 * STEP + 5];
        std::fs::write(path("restored"), &long).unwrap();
        std::fs::write(path("live"), &long).unwrap();
        let mtime = stamp(&path("live"));
        let how = |size| compare(&path("restored"), &path("live"), size, mtime);
        assert_eq!(how(long.len() as u64), Likeness::Identical);
        assert_eq!(how(long.len() as u64 - 1), Likeness::Changed, "another size now");
        let mut rotten = long.clone();
        rotten[2 * STEP + 1] ^= 1;
        std::fs::write(path("restored"), &rotten).unwrap();
        assert_eq!(how(long.len() as u64), Likeness::Differs);
        std::fs::remove_file(path("live")).unwrap();
        assert_eq!(how(long.len() as u64), Likeness::Changed);
    }
}
