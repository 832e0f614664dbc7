//! A restore takes files in windows: what lies in several of them is what it was.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};

use p2p::sim::Weather;

use super::stories::{assert_same, grid, under};
use super::world::World;

/// More files than a window has.
const DIRS: usize = 34;
const FILES: usize = 1000;

#[tokio::test(start_paused = true)]
async fn more_files_than_a_window_come_back_with_links_between_the_first_and_the_last() {
    let world = World::new(90, Weather::calm());
    let (ada, _others) = grid(&world, 5).await;
    let source = world.dir.path().join("many");
    for dir in 0..DIRS {
        let dir = source.join(format!("{dir:02}"));
        fs::create_dir_all(&dir).unwrap();
        for file in 0..FILES {
            fs::write(dir.join(format!("{file:03}")), format!("{dir:?} {file}")).unwrap();
        }
    }
    let last = source.join("last");
    fs::create_dir(&last).unwrap();
    for dir in [0, DIRS - 1] {
        let name = format!("{dir:02}");
        fs::hard_link(source.join(&name).join("000"), last.join(&name)).unwrap();
    }
    symlink("../00/000", last.join("soft")).unwrap();
    ada.backup(&source).await.unwrap();
    let target = world.dir.path().join("restored");
    let report = ada.restore("latest", &target).await.unwrap();
    assert_eq!(report.problems, Vec::new());
    let restored = under(&target, &source);
    assert_same(&source, &restored);
    for dir in [0, DIRS - 1] {
        let name = format!("{dir:02}");
        let inode = |path: std::path::PathBuf| fs::metadata(path).unwrap().ino();
        let (one, other) = (restored.join(&name).join("000"), restored.join("last").join(&name));
        assert_eq!(inode(one), inode(other), "{name}");
    }
}
