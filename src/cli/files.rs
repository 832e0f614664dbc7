//! Files named on the command line: bounded reads, and secrets written once, private and durable.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::exit::usage;
use super::output::escape;
use crate::api::setup::Secret;
use crate::api::{Failure, codes};

/// A file that cannot be used.
pub(crate) fn failure(attempt: &str, path: &Path, error: &io::Error) -> Failure {
    let path = escape(&path.to_string_lossy());
    codes::FILE.failure(format!("Cannot {attempt} {path}: {error}"))
}

/// The whole of a small text; `-` is stdin.
pub(crate) fn read_text(path: &Path, limit: u64) -> Result<Secret, Failure> {
    let read = if path == Path::new("-") {
        bounded(io::stdin().lock(), limit)
    } else {
        File::open(path).and_then(|file| bounded(file, limit))
    };
    read.map_err(|error| failure("read", path, &error))
}

/// The same when the file is there and holds something, else none.
pub(crate) fn read_if_there(path: &Path, limit: u64) -> Result<Option<Secret>, Failure> {
    match path.symlink_metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        _ => read_text(path, limit).map(Some),
    }
}

/// The first line, without its end.
pub(crate) fn read_line(path: &Path, limit: u64) -> Result<Secret, Failure> {
    let line = File::open(path).and_then(|file| first_line(file, limit));
    match line.map_err(|error| failure("read", path, &error))? {
        Some(line) => Ok(line),
        None => Err(usage(format!("{} is empty", escape(&path.to_string_lossy())))),
    }
}

/// The first line of a stream; none when it is empty.
pub(crate) fn first_line(reader: impl Read, limit: u64) -> io::Result<Option<Secret>> {
    let text = bounded(reader, limit)?;
    let line = text.lines().next().unwrap_or_default();
    Ok((!line.is_empty()).then(|| Secret::new(line.to_owned())))
}

/// UTF-8 text of at most `limit` bytes.
fn bounded(reader: impl Read, limit: u64) -> io::Result<Secret> {
    // Room for all of it at once, so that no partial copy of a secret is left behind by growing.
    let mut text = String::with_capacity(limit as usize + 1);
    reader.take(limit + 1).read_to_string(&mut text)?;
    let text = Secret::new(text);
    if text.len() as u64 > limit {
        return Err(io::Error::new(ErrorKind::FileTooLarge, "it is larger than it may be"));
    }
    Ok(text)
}

/// Writes a text in place of what was there, whole or not at all; when this returns `Ok`, it
/// survives a power cut.
pub(crate) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    let written = File::create(&new).and_then(|file| fill(&file, &new, text));
    let moved = written.and_then(|()| std::fs::rename(&new, path));
    if moved.is_err() {
        // What is left over is only a nuisance.
        let _left = std::fs::remove_file(&new);
    }
    moved?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

/// A new file that will hold a secret. Made empty before the secret exists, so that a path that
/// cannot be written fails before anything is done; removed again unless it is filled.
#[derive(Debug)]
pub(crate) struct Reserved {
    path: PathBuf,
    file: Option<File>,
}

impl Reserved {
    /// Makes the file, 0600. One that exists is never written over.
    pub(crate) fn new(path: &Path) -> Result<Self, Failure> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let file = options.open(path).map_err(|error| failure("write", path, &error))?;
        Ok(Self { path: path.to_owned(), file: Some(file) })
    }

    /// Writes the text; when this returns `Ok`, it survives a power cut.
    pub(crate) fn fill(mut self, text: &str) -> Result<(), Failure> {
        let Some(file) = self.file.take() else { return Ok(()) };
        let written = fill(&file, &self.path, text);
        written.map_err(|error| failure("write", &self.path, &error))
    }
}

fn fill(mut file: &File, path: &Path, text: &str) -> io::Result<()> {
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

impl Drop for Reserved {
    fn drop(&mut self) {
        if self.file.is_some() {
            // An empty file that stays is only a nuisance.
            let _left = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests;
