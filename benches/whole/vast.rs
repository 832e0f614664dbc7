//! Memory beside a source that is too large for any disk here: files that a file system of our own
//! makes up as they are read.
//!
//! Their content is taken from [`PERIOD`] bytes again and again, at other places in each file; so
//! the whole pipeline reads, cuts and names everything, and what is new is sealed and kept, while
//! the spool stays small. A source of up to [`MOST_RESTORED`] bytes is restored as well.

use std::ffi::OsStr;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use fuser::{
    Config, Errno, FileAttr, FileHandle, FileType, Filesystem, Generation, INodeNo, LockOwner,
    MountOption, OpenFlags, ReplyAttr, ReplyData, ReplyDirectory, ReplyEntry, Request,
};

use crate::corpus::Dice;
use crate::rivals::Rival;
use crate::{Failure, Table};

/// Bytes of content there are.
const PERIOD: usize = 64 << 20;
/// So much further into them each file begins than the one before: odd, so that none begins where
/// another did.
const STRIDE: u64 = 1_000_003;
/// Files in a directory.
const IN_ONE: u64 = 1_000;
const MOST_RESTORED: u64 = 4 << 30;
/// Nothing changes.
const FOREVER: Duration = Duration::from_secs(3600);
/// Numbers of files begin here; below are directories, and the root is 1.
const FIRST_FILE: u64 = 1 << 32;
const FIRST_DIR: u64 = 2;

/// `files` files of `len` bytes each.
struct Vast {
    files: u64,
    len: u64,
    content: Vec<u8>,
}

/// What a first backup, a rescan and a restore of so many files of so many bytes take in memory.
pub(crate) fn run(
    rival: &Rival,
    place: &Path,
    (files, len): (u64, u64),
    table: &mut Table,
) -> Result<(), Failure> {
    let source = place.join("made-up");
    std::fs::create_dir(&source)?;
    let mut config = Config::default();
    config.mount_options = vec![MountOption::RO, MountOption::FSName("made-up".to_owned())];
    let mounted = fuser::spawn_mount(Vast::new(files, len), &source, &config)?;
    let name = format!("{files} files of {len} bytes, {}", rival.name);
    let first = rival.backup(&source)?;
    table.add(&name, "first backup, s CPU", first.cpu);
    table.add(&name, "first backup, peak MB", first.peak_mb);
    let again = rival.backup(&source)?;
    table.add(&name, "rescan, s CPU", again.cpu);
    table.add(&name, "rescan, peak MB", again.peak_mb);
    if files * len <= MOST_RESTORED {
        let back = rival.restore(&source, None, &place.join("made-up-restored"))?;
        table.add(&name, "restore, s CPU", back.cpu);
        table.add(&name, "restore, peak MB", back.peak_mb);
    }
    mounted.umount_and_join()?;
    Ok(())
}

impl Vast {
    fn new(files: u64, len: u64) -> Self {
        let mut content = Vec::with_capacity(PERIOD);
        let mut dice = Dice::new(99);
        while content.len() < PERIOD {
            content.extend(dice.text(PERIOD / 64));
            content.extend(dice.noise(PERIOD / 64));
        }
        Self { files, len, content }
    }

    fn dirs(&self) -> u64 {
        self.files.div_ceil(IN_ONE)
    }

    /// Numbers of the files of a directory.
    fn below(&self, dir: u64) -> std::ops::Range<u64> {
        dir * IN_ONE..((dir + 1) * IN_ONE).min(self.files)
    }

    fn attr(&self, ino: u64) -> Option<FileAttr> {
        let (kind, perm, size) = if ino >= FIRST_FILE {
            (FileType::RegularFile, 0o444, self.len)
        } else {
            (FileType::Directory, 0o555, 0)
        };
        let known = ino == 1
            || (FIRST_DIR..FIRST_DIR + self.dirs()).contains(&ino)
            || (FIRST_FILE..FIRST_FILE + self.files).contains(&ino);
        known.then_some(FileAttr {
            ino: INodeNo(ino),
            size,
            blocks: size.div_ceil(512),
            atime: UNIX_EPOCH,
            mtime: UNIX_EPOCH,
            ctime: UNIX_EPOCH,
            crtime: UNIX_EPOCH,
            kind,
            perm,
            nlink: 1,
            uid: 0,
            gid: 0,
            rdev: 0,
            blksize: 4096,
            flags: 0,
        })
    }

    /// Bytes of a file, from `offset` on.
    fn bytes(&self, file: u64, offset: u64, most: u32) -> Vec<u8> {
        let len = self.len.saturating_sub(offset).min(most.into()) as usize;
        let start = ((file * STRIDE + offset) % PERIOD as u64) as usize;
        let (before, after) = self.content.split_at(start);
        let mut bytes = after.get(..len).unwrap_or(after).to_vec();
        bytes.extend_from_slice(before.get(..len - bytes.len()).unwrap_or_default());
        bytes
    }
}

impl Filesystem for Vast {
    fn lookup(&self, _: &Request, _: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let found = name.to_str().and_then(|name| name.parse::<u64>().ok());
        match found.and_then(|ino| self.attr(ino)) {
            Some(attr) => reply.entry(&FOREVER, &attr, Generation(0)),
            None => reply.error(Errno::ENOENT),
        }
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match self.attr(ino.0) {
            Some(attr) => reply.attr(&FOREVER, &attr),
            None => reply.error(Errno::ENOENT),
        }
    }

    fn read(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        reply.data(&self.bytes(ino.0.saturating_sub(FIRST_FILE), offset, size));
    }

    /// Entries are named by their numbers.
    fn readdir(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        let (numbers, kind) = if ino.0 == 1 {
            (FIRST_DIR..FIRST_DIR + self.dirs(), FileType::Directory)
        } else {
            let below = self.below(ino.0 - FIRST_DIR);
            (FIRST_FILE + below.start..FIRST_FILE + below.end, FileType::RegularFile)
        };
        for (at, number) in (1..).zip(numbers).skip(offset as usize) {
            if reply.add(INodeNo(number), at, kind, OsStr::new(&number.to_string())) {
                break;
            }
        }
        reply.ok();
    }
}
