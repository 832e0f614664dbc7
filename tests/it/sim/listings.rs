//! Reading the listings of snapshots: what is fetched for it, and that damaged copies are healed.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use chunker::Class;
use gbak::flow::{Ctx, look};
use gbak::vault::index::PackRecord;
use gbak::vault::view::SnapshotSpec;
use p2p::sim::Weather;
use store::PackCache;

use super::fragments::backed_up;
use super::reading::counted_grid;
use super::world::{Node, World};

/// Directories of empty files with long names: their listings are some blocks of one pack.
fn long_names(world: &World) -> PathBuf {
    let source = world.dir.path().join("source");
    for dir in 0..20 {
        let dir = source.join(format!("dir-{dir:02}"));
        fs::create_dir_all(&dir).unwrap();
        for file in 0..100 {
            fs::write(dir.join(format!("{file:0200}")), b"").unwrap();
        }
    }
    source
}

fn listing_packs(node: &Node) -> Vec<PackRecord> {
    let stored = |id| node.ctx.catalog.pack(&id).unwrap().unwrap().1;
    let packs = node.ctx.catalog.packs_of(Class::Tree as u8).unwrap();
    packs.into_iter().map(|id| PackRecord::decode_stored(&stored(id)).unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_walk_fetches_a_pack_of_listings_once_even_when_no_cache_takes_it() {
    let world = World::new(181, Weather::calm());
    let (ada, _nodes, _holders) = counted_grid(&world).await;
    let source = long_names(&world);
    backed_up(&ada, &source).await;
    let packs = listing_packs(&ada);
    assert_eq!(packs.len(), 1);
    assert!(packs[0].meta.blocks.len() > 1, "all listings are in one block");

    let cache = PackCache::open(&world.dir.path().join("none"), 0).unwrap();
    let ctx = Ctx { cache: Arc::new(cache), ..ada.ctx.clone() };
    let before = ada.moved();
    let (_, entries) = look::ls(&ctx, &SnapshotSpec::parse(b"latest").unwrap()).await.unwrap();
    assert!(entries.len() > 20 * 100);
    let (came, once) = (ada.moved() - before, u64::from(packs[0].meta.len));
    assert!((once..once + once / 10).contains(&came), "{came} bytes came for {once}");
}

#[tokio::test(start_paused = true)]
async fn listings_whose_copies_a_power_cut_left_empty_cost_one_backup_only() {
    let world = World::new(182, Weather::calm());
    let (ada, _nodes, _holders) = counted_grid(&world).await;
    let source = long_names(&world);
    backed_up(&ada, &source).await;
    for pack in listing_packs(&ada) {
        let copy = ada.dir().join("cache").join(pack.meta.id.to_string());
        fs::write(copy, b"").unwrap();
    }
    let cut = backed_up(&ada, &source).await.counts;
    assert!(cut.files_unmodified < 20 * 100, "the parent was read from nothing");
    let healed = backed_up(&ada, &source).await.counts;
    assert_eq!((healed.files_unmodified, healed.files_new), (20 * 100, 0));
}
