//! What a restore fetches when little is wanted of each pack: that, and little else.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use chunker::{Class, Code};
use gbak::flow::backup::BackupReport;
use gbak::flow::forget::{ForgetPlan, forget};
use gbak::flow::prune::{PrunePlan, prune};
use gbak::vault::index::PackRecord;
use gbak::vault::retention::Rules;
use p2p::sim::Weather;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::reading::counted_grid;
use super::stories::{assert_same, under};
use super::world::{Node, World};

/// Bytes of the image that are not a hole, and what it is long: as long as what is cut finely.
const CONTENT: usize = 8 << 20;
const LENGTH: u64 = 64 << 20;
const BLOCK: usize = 4096;

fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof().fill(&mut bytes);
    bytes
}

/// Backed up with 3+2.
pub(super) async fn backed_up(node: &Node, source: &Path) -> BackupReport {
    let code = Some(Code::new(3, 2).unwrap());
    node.backup_with(source, |plan| plan.code = code).await.unwrap()
}

/// Restores this of the newest snapshot; what holders gave for it.
async fn fetched(world: &World, node: &Node, (what, to): (&str, &str)) -> (PathBuf, u64) {
    let (target, before) = (world.dir.path().join(to), node.moved());
    let report = node.restore(what, &target).await.unwrap();
    assert_eq!(report.problems, []);
    (target, node.moved() - before)
}

fn small_files(world: &World) -> PathBuf {
    let source = world.dir.path().join("source");
    fs::create_dir(&source).unwrap();
    for no in 0..40 {
        fs::write(source.join(format!("file-{no}")), noise(no, 80_000)).unwrap();
    }
    source
}

#[tokio::test(start_paused = true)]
async fn one_file_is_restored_for_its_block_even_with_holders_away_silent_or_lying() {
    // Nobody, two that are away, silent, or lying.
    for (seed, manner) in [(171, None), (172, Some(0)), (173, Some(1)), (174, Some(2))] {
        let world = World::new(seed, Weather::calm());
        let (ada, nodes, holders) = counted_grid(&world).await;
        let source = small_files(&world);
        backed_up(&ada, &source).await;
        for at in 0..2 {
            match manner {
                None => {}
                Some(0) => world.net.set_down(nodes[at].peer(), true),
                Some(manner) => holders[at].behave(manner),
            }
        }
        let mut most = 0;
        for no in [3, 20, 38] {
            let (name, to) = (format!("file-{no}"), format!("{no}"));
            let what = format!("latest:{}", source.join(&name).display());
            let (target, bytes) = fetched(&world, &ada, (&what, &to)).await;
            assert_eq!(fs::read(target.join(&name)).unwrap(), noise(no, 80_000));
            most = most.max(bytes);
        }
        // A block has 320 KB; the same place of three shards is as much as three, and who lies
        // sends his too.
        let limit = if manner.is_none() { 400_000 } else { 1_500_000 };
        assert!(most < limit, "{most} bytes for a file of 80,000, manner {manner:?}");
        let problems = ada.monitor.seen().problems;
        let named = problems.iter().any(|problem| {
            nodes[..2].iter().any(|liar| problem.message.contains(&liar.peer().to_string()))
        });
        assert_eq!(named, manner == Some(2), "{problems:?}");
        // Each liar once for each restore, however many parts it was asked for.
        assert!(problems.len() <= 6, "{problems:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn where_no_slice_is_given_the_whole_pack_is_fetched_and_what_is_lost_is_called_lost() {
    let world = World::new(176, Weather::calm());
    let (ada, _nodes, holders) = counted_grid(&world).await;
    let source = small_files(&world);
    backed_up(&ada, &source).await;
    let what = format!("latest:{}", source.join("file-7").display());
    holders.iter().for_each(|holder| holder.behave(3));
    let (target, bytes) = fetched(&world, &ada, (&what, "whole")).await;
    assert_eq!(fs::read(target.join("file-7")).unwrap(), noise(7, 80_000));
    assert!(bytes > 1_000_000, "{bytes} bytes are no whole pack");
    holders[..3].iter().for_each(|holder| holder.behave(4));
    let report = ada.restore(&what, &world.dir.path().join("lost")).await.unwrap();
    assert_eq!((report.lost_packs, report.problems.len()), (1, 1), "{:?}", report.problems);
}

/// Bytes of the largest block of file content.
fn largest_block(node: &Node) -> u32 {
    let mut largest = 0;
    let each = |row: &store::PackRow| {
        let record = PackRecord::decode_stored(&row.record).unwrap();
        let blocks = record.meta.blocks.iter().filter(|block| block.class == Class::Data);
        largest = blocks.map(|block| block.raw_len).fold(largest, u32::max);
        Ok::<(), store::CatalogError>(())
    };
    node.ctx.catalog.for_each_pack(each).unwrap();
    largest
}

/// Changes so many blocks of the image, everywhere.
fn change(image: &Path, blocks: u32, rng: &mut StdRng) {
    let file = fs::OpenOptions::new().write(true).open(image).unwrap();
    for _ in 0..blocks {
        let at = rng.random_range(0..CONTENT / BLOCK) * BLOCK;
        file.write_all_at(&noise(rng.random(), BLOCK), at as u64).unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn an_image_that_changed_for_days_is_restored_for_little_more_than_it_is_and_after_prune() {
    let world = World::new(175, Weather::calm());
    let (ada, _nodes, _holders) = counted_grid(&world).await;
    let source = world.dir.path().join("source");
    fs::create_dir(&source).unwrap();
    let image = source.join("image");
    fs::write(&image, noise(1, CONTENT)).unwrap();
    fs::OpenOptions::new().write(true).open(&image).unwrap().set_len(LENGTH).unwrap();
    backed_up(&ada, &source).await;
    let (_, first) = fetched(&world, &ada, ("latest", "first")).await;
    assert_eq!(ada.ctx.buffers.idle(), 1, "whole packs came, and one buffer is kept");
    let mut rng = StdRng::seed_from_u64(175);
    for _ in 0..8 {
        change(&image, (CONTENT / BLOCK / 50) as u32, &mut rng);
        backed_up(&ada, &source).await;
    }
    let (target, last) = fetched(&world, &ada, ("latest", "last")).await;
    assert_same(&source, &under(&target, &source));
    assert!(last * 10 < first * 15, "{last} bytes, and {first} of the first snapshot");
    let rules = Rules { last: 1, ..Rules::default() };
    forget(&ada.ctx, &ForgetPlan { rules, ..ForgetPlan::default() }).await.unwrap();
    let plan = PrunePlan { max_unused: 0.05, keep_delete_secs: 0, dry_run: false };
    prune(&ada.ctx, &plan).await.unwrap();
    assert!(largest_block(&ada) < 160 * 1024, "prune made larger blocks than a backup does");
    let (target, pruned) = fetched(&world, &ada, ("latest", "pruned")).await;
    assert_same(&source, &under(&target, &source));
    assert!(pruned * 10 < first * 13, "{pruned} bytes, and {first} of the first snapshot");
    change(&image, (CONTENT / BLOCK / 50) as u32, &mut rng);
    backed_up(&ada, &source).await;
    let (target, later) = fetched(&world, &ada, ("latest", "later")).await;
    assert_same(&source, &under(&target, &source));
    assert!(later * 10 < first * 14, "{later} bytes, and {first} of the first snapshot");
}
