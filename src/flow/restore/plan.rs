//! What a restore has to do, as plain data, a part at a time; and the parts of it that need no
//! content.
//!
//! A part is some hundred entries: a source of millions of files takes no more memory than its
//! directories and the first names of files that have several. Every entry knows its name and the directory it lies in, no more: whole paths of a tree that is
//! thousands of directories deep would take gigabytes, and are put together one at a time.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use p2p::Grid;

use crate::flow::FlowError;
use crate::flow::fetch::ChunkReader;
use crate::flow::look::{At, Walk};
use crate::flow::restore::{Outcome, Overwrite};
use crate::flow::target::{Existing, ExistingKind, Special, Target, TargetError};
use crate::monitor::Problem;
use crate::vault::tree::{Content, Kind, Meta, Node, valid_name};

mod sample;

pub(crate) use sample::Sample;

/// A path below the target, as its names.
pub(super) type Rel = Vec<Vec<u8>>;

/// Where an entry goes: its name, and its directory's number; none for the target itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spot {
    dir: Option<u32>,
    name: Vec<u8>,
}

/// The directories to be made, parents before children; a directory's place is its number.
#[derive(Debug, Clone, Default)]
pub(super) struct PlannedDirs(Vec<(Spot, Meta)>);

impl PlannedDirs {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The whole path.
    pub(super) fn rel(&self, spot: &Spot) -> Rel {
        let mut rel = vec![spot.name.clone()];
        let mut above = spot.dir;
        // Parents come before children, so the numbers only fall.
        while let Some((spot, _)) = above.and_then(|dir| self.0.get(dir as usize)) {
            rel.push(spot.name.clone());
            above = spot.dir;
        }
        rel.reverse();
        rel
    }

    fn push(&mut self, spot: Spot, meta: Meta) -> Option<u32> {
        self.0.push((spot, meta));
        u32::try_from(self.0.len() - 1).ok()
    }
}

/// A part of what is to be made, in tree order.
#[derive(Debug, Default)]
pub(super) struct Planned {
    /// All directories so far.
    pub(super) dirs: Arc<PlannedDirs>,
    pub(super) files: Vec<PlannedFile>,
    /// Links, pipes, sockets, devices.
    pub(super) others: Vec<(Spot, Node)>,
    /// Further names of files and others.
    pub(super) links: Vec<PlannedLink>,
    pub(super) problems: Vec<Problem>,
}

/// A file to be written.
#[derive(Debug, Clone)]
pub(super) struct PlannedFile {
    pub(super) spot: Spot,
    pub(super) size: u64,
    pub(super) content: Content,
    pub(super) meta: Meta,
}

/// Another name for something that is restored under its first name.
#[derive(Debug, Clone)]
pub(super) struct PlannedLink {
    pub(super) spot: Spot,
    pub(super) first: Spot,
    pub(super) node: Node,
}

impl Planned {
    /// How many entries that makes, without directories.
    pub(super) fn entries(&self) -> u64 {
        (self.files.len() + self.others.len() + self.links.len()) as u64
    }

    /// Bytes of the files.
    pub(super) fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }
}

/// Which paths are wanted.
#[derive(Debug)]
pub(super) struct Filter {
    include: Option<Gitignore>,
    exclude: Gitignore,
}

impl Filter {
    /// From patterns in gitignore syntax.
    pub(super) fn new(include: &[String], exclude: &[String]) -> Result<Self, FlowError> {
        let include = if include.is_empty() { None } else { Some(globs(include)?) };
        Ok(Self { include, exclude: globs(exclude)? })
    }

    fn excludes(&self, path: &Path, dir: bool) -> bool {
        self.exclude.matched(path, dir).is_ignore()
    }

    fn includes(&self, path: &Path, dir: bool) -> bool {
        let matches = |globs: &Gitignore| globs.matched_path_or_any_parents(path, dir).is_ignore();
        self.include.as_ref().is_none_or(matches)
    }
}

fn globs(patterns: &[String]) -> Result<Gitignore, FlowError> {
    let mut builder = GitignoreBuilder::new("");
    for pattern in patterns {
        let wrong = |_| FlowError::Pattern { pattern: pattern.clone() };
        builder.add_line(None, pattern).map_err(wrong)?;
    }
    builder.build().map_err(|_| FlowError::Pattern { pattern: patterns.join(" ") })
}

/// Walks the tree and notes what is wanted of it.
pub(super) struct Planner<'a> {
    filter: &'a Filter,
    rest: Rest,
    planned: Planned,
    /// Directories on the way to the current entry, with their numbers once they are noted.
    above: Vec<(Vec<u8>, Meta, Option<u32>)>,
    first_names: BTreeMap<(u64, u64), (Spot, Kind)>,
}

/// What is still to be looked at.
enum Rest {
    Leaf(Box<Node>),
    /// Paths are taken from so many bytes on.
    Below(Walk, usize),
    Nothing,
}

impl<'a> Planner<'a> {
    /// Ready to plan what lies at `at`.
    pub(super) fn new(at: At, filter: &'a Filter) -> Self {
        let rest = match at {
            At::Leaf { node, .. } => Rest::Leaf(Box::new(node)),
            At::Dir { tree, prefix } => {
                let base = prefix.len();
                Rest::Below(Walk::new(tree, prefix), base)
            }
        };
        let (planned, above) = (Planned::default(), Vec::new());
        Self { filter, rest, planned, above, first_names: BTreeMap::new() }
    }

    /// Goes on until so many entries are noted. False when nothing is left.
    pub(super) async fn fill<G: Grid>(
        &mut self,
        reader: &mut ChunkReader<G>,
        entries: u64,
    ) -> Result<bool, FlowError> {
        while self.planned.entries() < entries {
            let (mut walk, base) = match std::mem::replace(&mut self.rest, Rest::Nothing) {
                Rest::Below(walk, base) => (walk, base),
                Rest::Leaf(mut node) => {
                    let name = std::mem::take(&mut node.name);
                    self.entry(Spot { dir: None, name }, *node);
                    return Ok(false);
                }
                Rest::Nothing => return Ok(false),
            };
            let Some(node) = walk.next(reader).await? else { return Ok(false) };
            if !self.visit(walk.path().get(base..).unwrap_or_default(), node) {
                walk.pass_by();
            }
            self.rest = Rest::Below(walk, base);
        }
        Ok(true)
    }

    /// What was noted since the last time; of directories, all. Whoever keeps it makes the next
    /// part copy them.
    pub(super) fn take(&mut self) -> Planned {
        let dirs = Arc::clone(&self.planned.dirs);
        std::mem::replace(&mut self.planned, Planned { dirs, ..Planned::default() })
    }

    /// Takes one entry; whether to go into it, when it is a directory.
    fn visit(&mut self, path: &[u8], mut node: Node) -> bool {
        let relative = path.strip_prefix(b"/").unwrap_or(path);
        if !valid_name(&node.name) {
            let error = TargetError::BadName { path: path.to_vec() };
            self.planned.problems.push(Problem::new(path, &error));
            return false;
        }
        let (path, dir) = (Path::new(OsStr::from_bytes(relative)), is_dir(&node));
        if self.filter.excludes(path, dir) {
            return false;
        }
        let depth = relative.split(|byte| *byte == b'/').count() - 1;
        self.above.truncate(depth);
        let wanted = self.filter.includes(path, dir);
        if dir {
            self.above.push((node.name, node.meta, None));
            if wanted {
                self.note_above();
            }
        } else if wanted {
            let dir = self.note_above();
            let name = std::mem::take(&mut node.name);
            self.entry(Spot { dir, name }, node);
        }
        true
    }

    /// Notes the directories on the way; the innermost one's number.
    fn note_above(&mut self) -> Option<u32> {
        let noted = self.above.iter().rposition(|(.., number)| number.is_some());
        let mut dir = noted.and_then(|at| self.above.get(at)?.2);
        for (name, meta, number) in self.above.iter_mut().skip(noted.map_or(0, |at| at + 1)) {
            let dirs = Arc::make_mut(&mut self.planned.dirs);
            dir = dirs.push(Spot { dir, name: name.clone() }, meta.clone());
            *number = dir;
        }
        dir
    }

    fn entry(&mut self, spot: Spot, node: Node) {
        if node.meta.links > 1 {
            let key = (node.meta.device, node.meta.inode);
            match self.first_names.get(&key) {
                Some((first, kind)) if *kind == node.kind => {
                    let first = first.clone();
                    self.planned.links.push(PlannedLink { spot, first, node });
                    return;
                }
                Some(_) => {}
                None => {
                    self.first_names.insert(key, (spot.clone(), node.kind.clone()));
                }
            }
        }
        match node.kind {
            Kind::File { size, content } => {
                self.planned.files.push(PlannedFile { spot, size, content, meta: node.meta });
            }
            Kind::Dir { .. } => {
                Arc::make_mut(&mut self.planned.dirs).push(spot, node.meta);
            }
            _ => self.planned.others.push((spot, node)),
        }
    }
}

fn is_dir(node: &Node) -> bool {
    matches!(node.kind, Kind::Dir { .. })
}

/// A path for people.
pub(super) fn shown(rel: &Rel) -> Vec<u8> {
    rel.join(&b'/')
}

/// Makes the directories from number `from` on, private until [`finish_dirs`]. Returns what failed.
pub(super) fn make_dirs(
    target: &Target,
    (dirs, from): (&PlannedDirs, usize),
    rule: Option<Overwrite>,
) -> Vec<Problem> {
    let replace = rule == Some(Overwrite::Always);
    let failed = |(spot, _): &(Spot, Meta)| {
        let rel = dirs.rel(spot);
        target.make_dir(&rel, replace).err().map(|error| Problem::new(shown(&rel), &error))
    };
    dirs.0.iter().skip(from).filter_map(failed).collect()
}

/// Gives the directories their own metadata, the innermost first.
pub(super) fn finish_dirs(target: &Target, dirs: &PlannedDirs, done: &mut Outcome) {
    for (spot, meta) in dirs.0.iter().rev() {
        let rel = dirs.rel(spot);
        match target.set_dir_meta(&rel, meta) {
            Ok(problems) => done.problems.extend(problems),
            Err(error) => done.problems.push(Problem::new(shown(&rel), &error)),
        }
    }
}

/// Makes links, pipes, sockets and devices.
pub(super) fn make_others(
    target: &Target,
    (dirs, others): (&PlannedDirs, &[(Spot, Node)]),
    rule: Option<Overwrite>,
    done: &mut Outcome,
) {
    for (spot, node) in others {
        let rel = &dirs.rel(spot);
        done.one(
            rel,
            decide(target, || rel.clone(), wanted(node), rule).and_then(
                |decision| match decision {
                    Decision::Keep => Ok(None),
                    Decision::Write { replace } => match Special::of(&node.kind) {
                        Some(what) => target.make_special(rel, what, &node.meta, replace).map(Some),
                        None => Err(TargetError::NotAFile { path: shown(rel) }),
                    },
                },
            ),
        );
    }
}

/// Gives files their further names.
pub(super) fn make_links(
    target: &Target,
    (dirs, links): (&PlannedDirs, &[PlannedLink]),
    rule: Option<Overwrite>,
    done: &mut Outcome,
) {
    for PlannedLink { spot, first, node } in links {
        let (rel, first) = (&dirs.rel(spot), &dirs.rel(first));
        done.one(
            rel,
            decide(target, || rel.clone(), wanted(node), rule).and_then(
                |decision| match decision {
                    Decision::Keep => Ok(None),
                    Decision::Write { replace } => {
                        target.hard_link(first, rel, replace).map(|()| Some(Vec::new()))
                    }
                },
            ),
        );
    }
}

impl Outcome {
    /// Counts one entry: written with these problems, kept, or failed.
    fn one(&mut self, rel: &Rel, result: Result<Option<Vec<Problem>>, TargetError>) {
        match result {
            Ok(Some(problems)) => {
                self.restored += 1;
                self.problems.extend(problems);
            }
            Ok(None) => self.skipped += 1,
            Err(error) => self.problems.push(Problem::new(shown(rel), &error)),
        }
    }
}

/// What the overwrite rule says of one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// Leave what is there.
    Keep,
    /// Write, in place of what is there when there is something.
    Write { replace: bool },
}

/// Looks at what is there, and compares it with what is to be there.
pub(super) fn decide(
    target: &Target,
    rel: impl FnOnce() -> Rel,
    wanted: Existing,
    rule: Option<Overwrite>,
) -> Result<Decision, TargetError> {
    let Some(rule) = rule else { return Ok(Decision::Write { replace: false }) };
    let Some(existing) = target.existing(&rel())? else {
        return Ok(Decision::Write { replace: false });
    };
    let replace = match rule {
        Overwrite::Always => true,
        Overwrite::Never => false,
        Overwrite::IfChanged => differs(existing, wanted),
        Overwrite::IfNewer => existing.mtime < wanted.mtime,
    };
    Ok(if replace { Decision::Write { replace: true } } else { Decision::Keep })
}

fn differs(existing: Existing, wanted: Existing) -> bool {
    existing.kind != wanted.kind
        || existing.mtime != wanted.mtime
        || (wanted.kind == ExistingKind::File && existing.size != wanted.size)
}

/// What is there once an entry is restored.
fn wanted(node: &Node) -> Existing {
    let (kind, size) = match node.kind {
        Kind::File { size, .. } => (ExistingKind::File, size),
        Kind::Dir { .. } => (ExistingKind::Dir, 0),
        Kind::Symlink { .. } => (ExistingKind::Symlink, 0),
        _ => (ExistingKind::Other, 0),
    };
    Existing { kind, size, mtime: node.meta.mtime }
}

#[cfg(test)]
mod tests;
