//! From a path to a file, as far as it stays in the tree.

use rustix::io::Errno;

use super::Shared;
use crate::drive::ops::{Attr, Ino, ROOT, Type};

/// Links that one path may go through, as Linux has it.
const LINKS: usize = 40;

/// Where a path leads.
#[derive(Debug, Clone)]
pub(super) struct Found {
    /// The directory of its last name,
    pub(super) parent: Ino,
    /// which is empty for the root.
    pub(super) name: Vec<u8>,
    /// What is there, if anything is.
    pub(super) attr: Option<Attr>,
}

impl Found {
    /// What is there. Pipes, sockets and devices are not.
    pub(super) fn there(&self) -> Result<Attr, Errno> {
        let shown = |attr: &Attr| matches!(attr.kind, Type::File | Type::Dir | Type::Symlink);
        self.attr.filter(shown).ok_or(Errno::NOENT)
    }
}

impl Shared {
    /// Goes along a path; through a link at its end as well if it is to be followed. What leads out
    /// of the tree leads nowhere.
    pub(super) async fn find(&self, path: &[u8], follow: bool) -> Result<Found, Errno> {
        let mut todo = names(path);
        let mut dirs = vec![ROOT];
        let mut links = 0;
        while let Some(name) = todo.pop() {
            let parent = dirs.last().copied().unwrap_or(ROOT);
            if name == b".." {
                dirs.truncate(dirs.len().saturating_sub(1).max(1));
                continue;
            }
            let looked = self.ask(|files| files.lookup(parent, &name)).await;
            let attr = match looked {
                Ok(attr) => attr,
                Err(Errno::NOENT) if todo.is_empty() => {
                    return Ok(Found { parent, name, attr: None });
                }
                Err(errno) => return Err(errno),
            };
            match attr.kind {
                Type::Symlink if follow || !todo.is_empty() => {
                    links += 1;
                    if links > LINKS {
                        return Err(Errno::LOOP);
                    }
                    let target = self.ask(|files| files.target(attr.ino)).await?;
                    if target.starts_with(b"/") {
                        return Err(Errno::NOENT);
                    }
                    todo.extend(names(&target));
                }
                _ if todo.is_empty() => return Ok(Found { parent, name, attr: Some(attr) }),
                Type::Dir => dirs.push(attr.ino),
                _ => return Err(Errno::NOENT),
            }
        }
        let at = dirs.last().copied().unwrap_or(ROOT);
        let attr = self.ask(|files| files.attr(at)).await?;
        Ok(Found { parent: at, name: Vec::new(), attr: Some(attr) })
    }
}

/// The names of a path, the last one first.
fn names(path: &[u8]) -> Vec<Vec<u8>> {
    let names = path.split(|byte| *byte == b'/').filter(|name| !matches!(*name, b"" | b"."));
    names.rev().map(<[u8]>::to_vec).collect()
}
