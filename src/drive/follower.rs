//! A drive that another machine writes, read only: its last commit, and after a while the next one.
//!
//! What is shown is always the whole of one commit, and only of one that is *confirmed*: whoever
//! writes the drive next will build on it (`flow/fence`). So what was shown once is never taken
//! back, and commits are shown in the order of the drive's line, whoever made them. The tree is
//! held in memory and goes from one commit to the next at once; the kernel remembers no names and
//! attributes, so that nothing of two commits is mixed. A file whose bytes changed has another
//! number then: whoever has it open reads on in what it was.
//!
//! How it fails: when peers do not answer, or do not agree, the last commit stays; reads of what is
//! on no disk here end in EIO at the deadline.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use chunker::SnapshotId;
use p2p::Grid;
use rustix::io::Errno;
use store::PackCache;
use tokio::time::Instant;

use super::disk::{DriveError, commits};
use super::far::Remote;
use super::lease::{epoch_of, line};
use super::ops::{Attr, Files, Ino, Listed, ROOT, Read, Space, Stop, Type};
use super::reader::Reader;
use super::volume::Far;
use super::volume::node::Body;
use super::{import, lock};
use crate::flow::look::Listed as Commit;
use crate::flow::{Ctx, FlowError, fence, recover};

mod shown;

use shown::Tree;

/// The commit that is shown, of the topmost directory.
const COMMIT: &[u8] = b"user.gbak.commit";
/// Where a file's bytes are.
const STATE: &[u8] = b"user.gbak.state";

/// What is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Showing {
    /// The commit.
    pub commit: SnapshotId,
    /// In which epoch it was made.
    pub epoch: u64,
    /// When peers last said that it is the drive's last one; never, when too few answered so far.
    pub confirmed: Option<Instant>,
}

/// A drive that is followed.
pub struct Follower<G> {
    name: String,
    ctx: Ctx<G>,
    remote: Remote<G>,
    tree: Mutex<Tree>,
    showing: Mutex<Showing>,
}

impl<G> std::fmt::Debug for Follower<G> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Follower").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The drive's last commit that is on the grid, as far as this catalog knows.
fn last<G: Grid>(ctx: &Ctx<G>, name: &str) -> Result<Option<Commit>, FlowError> {
    let mut all = commits(ctx, name)?;
    all.retain(|commit| !commit.queued);
    Ok(line(all).pop())
}

impl<G: Grid> Follower<G> {
    /// Shows the drive's last commit; none when there is no commit yet.
    pub async fn new(
        name: &str,
        ctx: Ctx<G>,
        packs: Arc<PackCache>,
    ) -> Result<Option<Self>, DriveError> {
        let remote = Remote::new(Arc::new(Reader::new(ctx.clone(), packs)));
        let (commit, confirmed) = match confirmed(&ctx, name).await? {
            Some(commit) => (Some(commit), Some(Instant::now())),
            None => (last(&ctx, name)?, None),
        };
        let Some(commit) = commit else { return Ok(None) };
        let mut tree = Tree::default();
        tree.show(import::tree(remote.reader(), &commit.snapshot, name).await?);
        let showing = Showing { commit: commit.id, epoch: epoch_of(&commit), confirmed };
        let (name, tree, showing) = (name.to_owned(), Mutex::new(tree), Mutex::new(showing));
        Ok(Some(Self { name, ctx, remote, tree, showing }))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is shown.
    pub fn showing(&self) -> Showing {
        *lock(&self.showing)
    }

    /// Bytes of all files.
    pub fn stored(&self) -> u64 {
        lock(&self.tree).stored()
    }

    /// Why the grid could not be read last, if it could not.
    pub fn trouble(&self) -> Option<String> {
        self.remote.trouble()
    }

    /// Goes on to the drive's last commit, if there is a newer one that is confirmed. Cancel-safe:
    /// the tree changes at the end, at once.
    pub async fn refresh(&self) -> Result<(), DriveError> {
        let Some(commit) = confirmed(&self.ctx, &self.name).await? else { return Ok(()) };
        let asked = Instant::now();
        if commit.id != self.showing().commit {
            let inodes = import::tree(self.remote.reader(), &commit.snapshot, &self.name).await?;
            tracing::info!(drive = self.name, commit = %commit.id.short(), "shows the next commit");
            let mut tree = lock(&self.tree);
            tree.show(inodes);
            // Under the tree's lock: who reads which commit it is reads of this tree.
            let mut showing = lock(&self.showing);
            (showing.commit, showing.epoch) = (commit.id, epoch_of(&commit));
        }
        lock(&self.showing).confirmed = Some(asked);
        Ok(())
    }
}

/// The drive's last commit, if peers confirm that whoever writes it next builds on it.
async fn confirmed<G: Grid>(ctx: &Ctx<G>, name: &str) -> Result<Option<Commit>, FlowError> {
    recover::refresh(ctx).await?;
    let epoch = fence::confirmed_epoch(ctx, name).await?;
    // The epoch's first commit says which ones before it count.
    Ok(last(ctx, name)?.filter(|commit| epoch == Some(epoch_of(commit))))
}

impl<G: Grid> Files for Follower<G> {
    fn lookup(&self, parent: Ino, name: &[u8]) -> Result<Attr, Stop> {
        Ok(lock(&self.tree).lookup(parent, name)?)
    }

    fn attr(&self, ino: Ino) -> Result<Attr, Stop> {
        Ok(shown::attr(&*lock(&self.tree).get(ino)?))
    }

    fn list(&self, ino: Ino) -> Result<Vec<Listed>, Stop> {
        Ok(lock(&self.tree).list(ino)?)
    }

    fn target(&self, ino: Ino) -> Result<Vec<u8>, Stop> {
        match &lock(&self.tree).get(ino)?.body {
            Body::Symlink(target) => Ok(target.clone()),
            _ => Err(Errno::INVAL.into()),
        }
    }

    fn read(&self, ino: Ino, at: u64, len: u32) -> Result<Read, Errno> {
        let inode = lock(&self.tree).get(ino)?;
        let base = match &inode.body {
            Body::File(data) => data.base.clone(),
            Body::Dir(_) => return Err(Errno::ISDIR),
            _ => return Err(Errno::INVAL),
        };
        let Some(base) = base.filter(|base| at < base.size) else {
            return Ok(Read::Now(Bytes::new()));
        };
        let len = u64::from(len).min(base.size - at);
        Ok(Read::Later(self.remote.read(base.content, base.size, at, len)))
    }

    fn xattr(&self, ino: Ino, name: &[u8]) -> Result<Vec<u8>, Stop> {
        let tree = lock(&self.tree);
        let inode = tree.get(ino)?;
        let value = match name {
            COMMIT if ino == ROOT => Some(self.showing().commit.to_string().into_bytes()),
            STATE if inode.attr.kind == Type::File => Some(b"grid".to_vec()),
            _ => inode.xattrs.get(name).cloned(),
        };
        value.ok_or_else(|| Errno::NODATA.into())
    }

    fn xattr_names(&self, ino: Ino) -> Result<Vec<Vec<u8>>, Stop> {
        // Ours are nobody's to copy: they are read by their names.
        Ok(lock(&self.tree).get(ino)?.xattrs.keys().cloned().collect())
    }

    fn space(&self) -> Space {
        let tree = lock(&self.tree);
        Space { total: tree.stored(), available: 0, files: tree.len() }
    }

    fn patience(&self, _: Ino) -> Duration {
        // Whatever the kernel remembered could be of another commit than what it asks next.
        Duration::ZERO
    }

    fn remember(&self, ino: Ino) {
        lock(&self.tree).remember(ino);
    }

    fn forget(&self, ino: Ino, times: u64) {
        lock(&self.tree).forget(ino, times);
    }
}
