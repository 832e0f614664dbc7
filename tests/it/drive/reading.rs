//! What is only on the grid, through the kernel: read when it can be had, an error with its reason
//! when not, and from this disk when it was read before.

use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

use gbak::demo::agents::Agent;
use serde_json::Value;
use tokio::time::Instant;

use super::kit::can_mount;
use super::working::{Drive, noise, sync};
use crate::net::rig::{Rig, online};

const LEN: usize = 8 << 20;

fn status(agent: &Agent) -> Value {
    agent.expect(&["drive", "status", "work", "--json"]).unwrap()
}

/// The kernel forgets what it has of a file.
fn forget(path: &Path) {
    let file = File::open(path).unwrap();
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
}

fn reads(path: &Path, seed: &str) {
    forget(path);
    assert!(fs::read(path).unwrap() == noise(seed, LEN), "{}", path.display());
}

/// A drive with two files that are on the grid only.
fn two_files(rig: &Rig) -> Drive {
    rig.agents[1].expect(&["drive", "create", "work", "--cache", "64MiB", "--json"]).unwrap();
    let drive = Drive::mount(&rig.agents[1], rig.path("mnt"));
    fs::create_dir(drive.dir.join("tree")).unwrap();
    for name in ["one", "two"] {
        fs::write(drive.dir.join("tree").join(name), noise(name, LEN)).unwrap();
    }
    sync(&rig.agents[1]);
    let small = ["drive", "resize", "work", "--cache", "1MiB", "--json"];
    let view = rig.agents[1].expect(&small).unwrap();
    // A smaller cache is one at once.
    assert!(view["cache_bytes"].as_u64() <= Some(1 << 20), "{view}");
    drive
}

#[test]
fn what_no_holder_answers_for_is_an_error_in_time_and_status_says_which_file_and_why() {
    if !can_mount() {
        return;
    }
    let mut rig = Rig::new(4);
    let drive = two_files(&rig);
    let (one, two) = (drive.dir.join("tree/one"), drive.dir.join("tree/two"));
    reads(&one, "one");
    assert_eq!(status(&rig.agents[1])["trouble"], Value::Null);
    // Not killed: they get other ports when they are back, and find the others again by what they
    // keep of them, which is written a few seconds after it was heard, or at the end.
    for at in [0, 2, 3] {
        rig.agents[at].stop().unwrap();
    }
    forget(&two);
    let begun = Instant::now();
    let refused = fs::read(&two).unwrap_err();
    assert_eq!(refused.raw_os_error(), Some(rustix::io::Errno::IO.raw_os_error()));
    assert!(begun.elapsed() < Duration::from_secs(35), "{:?}", begun.elapsed());
    let trouble = status(&rig.agents[1])["trouble"].as_str().unwrap().to_owned();
    assert!(trouble.starts_with("tree/two: Pack ") && trouble.contains("shards"), "{trouble}");
    // What was read before is here, and is not in the way of the other's trouble.
    reads(&one, "one");
    assert!(status(&rig.agents[1])["trouble"].is_string());
    for at in [0, 2, 3] {
        rig.agents[at].start().unwrap();
    }
    online(&rig.agents[1], 3);
    // Nobody has to read it for the trouble to end: it is tried now and then.
    let ended = |_: &u32| {
        std::thread::park_timeout(Duration::from_millis(200));
        status(&rig.agents[1])["trouble"].is_null()
    };
    assert!((0..300).any(|look| ended(&look)), "the trouble never ends");
    reads(&two, "two");
}

#[test]
fn what_was_read_once_is_read_after_a_restart_with_everybody_away() {
    if !can_mount() {
        return;
    }
    let mut rig = Rig::new(4);
    let drive = two_files(&rig);
    reads(&drive.dir.join("tree/one"), "one");
    rig.agents[1].expect(&["drive", "unmount", "work", "--json"]).unwrap();
    drop(drive);
    rig.agents.iter_mut().for_each(Agent::kill);
    rig.agents[1].start().unwrap();
    let drive = Drive::mount(&rig.agents[1], rig.path("mnt"));
    reads(&drive.dir.join("tree/one"), "one");
    assert!(fs::read(drive.dir.join("tree/two")).is_err());
    assert_eq!(fs::read_dir(drive.dir.join("tree")).unwrap().count(), 2);
}
