//! `mount`: snapshots at a mount point, until somebody unmounts it or the call is cancelled.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use futures::FutureExt;
use p2p::swarm::Swarm;
use store::PackCache;
use tokio::runtime::Handle;

use super::{Run, parse_spec, wait};
use crate::api::{Failure, MountArgs, MountView, codes};
use crate::daemon::engine::{Engine, EngineError};
use crate::drive::reader::Reader;
use crate::drive::session::{self, MountError, Mounted, Options};
use crate::drive::view::View;
use crate::flow::look::{self, At};

/// What data packs fetched for reading may take on this disk, in bytes.
const READS_BYTES: u64 = 1 << 30;

impl Run {
    /// Not cancel-safe: stop it through `cancel`.
    pub(super) async fn mount(&self, args: MountArgs) -> Result<MountView, Failure> {
        let dir = Path::new(OsStr::from_bytes(&args.dir.0)).to_owned();
        let view = tokio::select! { biased;
            () = self.cancel.cancelled() => {
                return Err(codes::INTERRUPTED.failure("Stopped on request"));
            }
            view = self.view(&args).boxed() => Arc::new(view?),
        };
        let name = args.snapshot.clone().unwrap_or_else(|| "snapshots".to_owned());
        let options = Options { name, allow_other: args.allow_other, ..Options::default() };
        let (at, runtime) = (dir.clone(), Handle::current());
        let mounting = move || session::mount(view, &at, &options, runtime);
        let mut mounted = self.ctx.work(mounting).await??;
        self.ctx.monitor.mounted(mounted.dir());
        let busy = self.until_unmounted(&mut mounted).await?;
        Ok(MountView { schema: "gbak.mount/1".to_owned(), dir: args.dir, busy })
    }

    pub(super) async fn view(&self, args: &MountArgs) -> Result<View<Swarm>, Failure> {
        self.settle(wait(args.wait_peers_secs)).await?;
        let packs = self.engine.data_packs().await?;
        // A mount outlives the call's progress.
        let ctx = self.engine.ctx().clone();
        let reader = Arc::new(Reader::new(ctx.clone(), packs));
        let Some(text) = &args.snapshot else { return Ok(View::of_all(ctx, reader)) };
        let spec = parse_spec(text)?;
        let (id, snapshot) = look::resolve(&ctx, &spec)?;
        match look::find(&ctx, &id, &snapshot, spec.path.as_deref()).await? {
            At::Dir { tree, .. } => Ok(View::of_one(ctx, reader, &snapshot, tree)),
            At::Leaf { path, .. } => {
                let path = String::from_utf8_lossy(&path).into_owned();
                Err(codes::NO_PATH.failure(format!("{path} is not a directory")))
            }
        }
    }

    /// Waits for the end. Returns whether it is still in use.
    async fn until_unmounted(&self, mounted: &mut Mounted) -> Result<bool, Failure> {
        tokio::select! { biased;
            () = mounted.ended() => return Ok(false),
            () = self.cancel.cancelled() => {}
        }
        let dir = mounted.dir().to_owned();
        let unmounting = move || match session::unmount(&dir) {
            // Nobody can be made to close its files.
            Err(MountError::Busy { .. }) => session::detach(&dir).map(|()| true),
            Err(MountError::NotMounted { .. }) => Ok(false),
            done => done.map(|()| false),
        };
        Ok(self.ctx.work(unmounting).await??)
    }
}

impl Engine {
    /// Data packs that were fetched for reading: one cache for all mounts.
    pub(super) async fn data_packs(&self) -> Result<Arc<PackCache>, Failure> {
        let path = self.home.root().join("reads");
        let opened = self.reads.get_or_try_init(|| async {
            let dir = path.clone();
            let open = move || PackCache::open(&dir, READS_BYTES);
            let cache = self.ctx.work(open).await?;
            let cache = cache.map_err(|source| EngineError::Io { path: path.clone(), source })?;
            Ok::<_, Failure>(Arc::new(cache))
        });
        opened.await.cloned()
    }
}

impl From<MountError> for Failure {
    fn from(error: MountError) -> Self {
        let message = crate::daemon::failure::told(&error);
        let help: &[&str] = match error {
            MountError::NotMounted { .. } | MountError::NoDirectory { .. } => &[],
            _ => &["gbak unmount DIR"],
        };
        crate::daemon::failure::failure(codes::MOUNT, message, help)
    }
}

/// Unmounts what of ours is at `dir`, whoever serves it.
pub(in crate::daemon) fn unmount(dir: &Path) -> Result<(), Failure> {
    Ok(session::unmount(dir)?)
}
