//! How finely a file is cut depends on how long it is.

use std::fs::{self, File};
use std::io::Write;

use super::stories::{assert_same, under};
use super::world::World;
use p2p::sim::Weather;

/// Bytes that are not a hole.
const CONTENT: usize = 6 << 20;

/// A directory with one file of this length, which begins with noise and ends with a hole.
fn tree(world: &World, name: &str, len: u64) -> std::path::PathBuf {
    let root = world.dir.path().join(name);
    fs::create_dir(&root).unwrap();
    let mut noise = vec![0; CONTENT];
    blake3::Hasher::new().update(name.as_bytes()).finalize_xof().fill(&mut noise);
    let mut file = File::create(root.join("image")).unwrap();
    file.write_all(&noise).unwrap();
    file.set_len(len).unwrap();
    root
}

#[tokio::test(start_paused = true)]
async fn a_large_file_is_cut_finely_and_comes_back() {
    let world = World::new(61, Weather::calm());
    let ada = world.node(1, 1);
    let (bob, eve) = (world.node(2, 1), world.node(3, 1));
    world.meet(&[&ada, &bob, &eve]).await;
    let (small, large) = (tree(&world, "small", (64 << 20) - 1), tree(&world, "large", 64 << 20));
    let before = ada.ctx.catalog.chunk_count().unwrap();
    ada.backup(&small).await.unwrap();
    let coarse = ada.ctx.catalog.chunk_count().unwrap() - before;
    ada.backup(&large).await.unwrap();
    let fine = ada.ctx.catalog.chunk_count().unwrap() - before - coarse;
    assert!(2 * fine > 3 * coarse, "{fine} chunks, and {coarse} of the smaller file");
    let target = world.dir.path().join("restored");
    ada.restore("latest", &target).await.unwrap();
    assert_same(&large, &under(&target, &large));
}
