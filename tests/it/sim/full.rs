//! A restore onto a disk that is too small says so, at once, and leaves nothing half written.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use gbak::flow::FlowError;
use p2p::sim::Weather;

use super::world::{Node, World};

/// A small file system of its own, gone when dropped.
pub(super) struct Tmpfs(PathBuf);

impl Tmpfs {
    /// None where mounting is not allowed.
    pub(super) fn mount(at: PathBuf, bytes: u64) -> Option<Self> {
        fs::create_dir_all(&at).unwrap();
        let size = format!("size={bytes}");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &size, "gbak-test"]).arg(&at);
        let mounted = mount.output().is_ok_and(|output| output.status.success());
        mounted.then_some(Self(at))
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        drop(Command::new("umount").arg(&self.0).status());
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_ends_a_restore_with_its_own_error_and_no_torn_file() {
    let world = World::new(20, Weather::calm());
    let Some(small) = Tmpfs::mount(world.dir.path().join("small"), 4 * 1024 * 1024) else {
        println!("skipped: only root may mount the small file system this needs");
        return;
    };
    let ada = world.node(1, 1);
    let others: Vec<Node> = (0..3).map(|n| world.node(10 + n, 1)).collect();
    let all: Vec<&Node> = std::iter::once(&ada).chain(&others).collect();
    world.meet(&all).await;
    let source = world.dir.path().join("source");
    fs::create_dir(&source).unwrap();
    for n in 0..12_u8 {
        let mut bytes = vec![0; 1_000_000];
        blake3::Hasher::new().update(&[n]).finalize_xof().fill(&mut bytes);
        fs::write(source.join(n.to_string()), bytes).unwrap();
    }
    ada.backup(&source).await.unwrap();
    let error = ada.restore("latest", &small.0).await.unwrap_err();
    assert!(matches!(&error, FlowError::Target(error) if error.is_full()), "{error}");
    let restored = small.0.join(source.strip_prefix("/").unwrap());
    for entry in fs::read_dir(restored).unwrap() {
        let entry = entry.unwrap();
        let like = source.join(entry.file_name());
        assert_eq!(fs::read(entry.path()).unwrap(), fs::read(like).unwrap(), "{entry:?}");
    }
}
