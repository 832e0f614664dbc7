//! A stolen home deletes everything over real sockets; the words and a moment bring it back.

use std::fs;

use gbak::clock::{Clock, SystemClock};

use super::rig::{Rig, backup, copy_tree, restores};

fn now() -> u64 {
    SystemClock.now_secs()
}

/// Holders note when heads came in whole seconds.
fn another_second(than: u64) {
    while now() <= than {
        std::thread::yield_now();
    }
}

#[test]
fn what_a_stolen_home_deleted_comes_back_by_the_words_and_a_moment() {
    let mut rig = Rig::new(5);
    let source = rig.path("source");
    fs::create_dir(&source).unwrap();
    fs::write(source.join("only copy"), vec![7; 300_000]).unwrap();
    backup(&rig.agents[0], &source);
    let like = rig.path("like");
    copy_tree(&source, &like);
    let before = now();
    another_second(before);
    // Whoever has the home has the device's key: all snapshots go but one that is worth nothing.
    fs::remove_file(source.join("only copy")).unwrap();
    backup(&rig.agents[0], &source);
    rig.agents[0].expect(&["forget", "--keep-last", "1", "--json"]).unwrap();
    rig.agents[0].expect(&["prune", "--json"]).unwrap();
    rig.agents[0].kill();
    let (new, found) = rig.recover_as_of("new", &rig.agents[2], Some(before));
    assert_eq!(found["rewound"]["snapshots"], 1, "{found}");
    assert_eq!(found["rewound"]["shards_missing"], 0, "{found}");
    let listed = new.expect(&["snapshots", "--json"]).unwrap();
    let listed = listed["snapshots"].as_array().unwrap().clone();
    assert_eq!(listed.len(), 2, "what was published since stays: {listed:?}");
    restores(&rig, &new, listed[0]["id"].as_str().unwrap(), &source, &like);
    // A home that is there goes back as well, and only once.
    let again = new.expect(&["recover", "--rebuild", "--as-of", "1h", "--json"]).unwrap();
    assert_eq!(again["rewound"]["snapshots"], 0, "{again}");
}
