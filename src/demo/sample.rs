//! A small tree with every kind of file that a backup must bring back, the same on every machine.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, Mode, Timespec, Timestamps, mknodat, utimensat};

const TEXTS: u32 = 600;
const PHOTOS: u32 = 24;
const ARCHIVE_BYTES: usize = 48 * 1024 * 1024;
const WORDS: [&str; 16] = [
    "orbit", "velvet", "hammer", "river", "stone", "lantern", "copper", "meadow", "anchor",
    "willow", "signal", "harbor", "cinder", "marble", "thistle", "compass",
];

/// Makes the tree in `root`, which must exist and be empty.
pub fn make(root: &Path) -> io::Result<()> {
    texts(&root.join("Documents"))?;
    photos(&root.join("Pictures"))?;
    big(&root.join("Machines"))?;
    odd(&root.join("odd"))
}

/// What somebody does between two backups: a few files changed, one added, one removed.
pub fn edit(root: &Path) -> io::Result<()> {
    for n in 0..TEXTS / 50 {
        let path =
            root.join("Documents").join(format!("{:02}", n % 12)).join(format!("{n:04}.txt"));
        OpenOptions::new().append(true).open(path)?.write_all(b"One more line.\n")?;
    }
    let mut archive = OpenOptions::new().write(true).open(root.join("Machines/archive.bin"))?;
    archive.seek(SeekFrom::Start(20 * 1024 * 1024 + 17))?;
    archive.write_all(&noise(7, 4096))?;
    fs::write(root.join("Documents/new.txt"), "Written after the first backup.\n")?;
    fs::remove_file(root.join("Pictures/0003.jpg"))
}

fn texts(dir: &Path) -> io::Result<()> {
    for n in 0..TEXTS {
        let sub = dir.join(format!("{:02}", n % 12));
        fs::create_dir_all(&sub)?;
        let picks = noise(n, 400 + (n as usize * 37) % 2400);
        let text: Vec<&str> =
            picks.iter().map(|byte| WORDS[usize::from(byte % WORDS.len() as u8)]).collect();
        fs::write(sub.join(format!("{n:04}.txt")), text.join(" "))?;
    }
    Ok(())
}

fn photos(dir: &Path) -> io::Result<()> {
    fs::create_dir(dir)?;
    for n in 0..PHOTOS {
        fs::write(dir.join(format!("{n:04}.jpg")), noise(1000 + n, 600_000 + n as usize * 31_337))?;
    }
    Ok(())
}

fn big(dir: &Path) -> io::Result<()> {
    fs::create_dir(dir)?;
    fs::write(dir.join("archive.bin"), noise(2000, ARCHIVE_BYTES))?;
    let mut disk = File::create(dir.join("sparse.img"))?;
    for island in 0..3_u64 {
        disk.seek(SeekFrom::Start(island * 40 * 1024 * 1024))?;
        disk.write_all(&noise(3000 + island as u32, 1024 * 1024))?;
    }
    disk.set_len(160 * 1024 * 1024)
}

/// Makes `dir` with one of every odd kind of file.
pub fn odd(dir: &Path) -> io::Result<()> {
    fs::create_dir(dir)?;
    let file = dir.join("plain");
    fs::write(&file, "Many names, one file.\n")?;
    fs::hard_link(&file, dir.join("second name"))?;
    symlink("plain", dir.join("link"))?;
    symlink("/nowhere/at all", dir.join("dangling"))?;
    fs::create_dir(dir.join("empty directory"))?;
    fs::write(dir.join("empty"), "")?;
    fs::write(dir.join(std::ffi::OsStr::from_bytes(b"not utf-8 \xff\xfe")), "Bytes.\n")?;
    fs::write(dir.join("n".repeat(255)), "The longest name.\n")?;
    fs::write(dir.join("secret"), "Mine.\n")?;
    fs::set_permissions(dir.join("secret"), fs::Permissions::from_mode(0o400))?;
    mknodat(CWD, dir.join("pipe"), FileType::Fifo, Mode::from_raw_mode(0o640), 0)?;
    mknodat(CWD, dir.join("socket"), FileType::Socket, Mode::from_raw_mode(0o600), 0)?;
    if rustix::process::geteuid().is_root() {
        fs::write(dir.join("setuid"), "#!/bin/sh\n")?;
        fs::set_permissions(dir.join("setuid"), fs::Permissions::from_mode(0o4755))?;
        std::os::unix::fs::chown(dir.join("secret"), Some(1234), Some(4321))?;
    }
    // Not every file system has them; the tree is as good without.
    xattr::set(&file, "user.comment", b"with an attribute \x00\xff").unwrap_or_default();
    set_mtime(&dir.join("empty"), -86_401, 999_999_999)?;
    set_mtime(&dir.join("dangling"), 1_000_000_000, 123_456_789)?;
    set_mtime(&dir.join("empty directory"), 1_234_567_890, 1)
}

fn set_mtime(path: &Path, secs: i64, nanos: i64) -> io::Result<()> {
    let stamp = Timespec { tv_sec: secs, tv_nsec: nanos as _ };
    let times = Timestamps { last_access: stamp, last_modification: stamp };
    Ok(utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}

/// Bytes that look random and follow from `seed`.
fn noise(seed: u32, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof().fill(&mut bytes);
    bytes
}
