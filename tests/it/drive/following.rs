//! One drive, one machine that writes it and one that follows: the follower shows whole commits, in
//! order, whoever writes.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use gbak::demo::agents::Agent;

use super::kit::can_mount;
use super::sharing::{LOOKS, Mounted, SHORT, set, status, sync, unmount, written};
use crate::net::rig::{Rig, online};

/// Files that every commit of these tests changes together.
const FILES: usize = 8;
/// Longer than one block of any kernel's read-ahead.
const BIG: usize = 2 << 20;

/// A second machine of the first member, that looks for commits all the time.
pub(super) fn another(rig: &Rig, name: &str, values: &[(&str, &str)]) -> Agent {
    let (mut agent, _) = rig.recover(name, &rig.agents[1]);
    set(&agent, values);
    agent.start().unwrap();
    agent
}

/// The commit that a follower says it shows.
pub(super) fn shown(dir: &Path) -> String {
    String::from_utf8(xattr::get(dir, "user.gbak.commit").unwrap().unwrap()).unwrap()
}

/// Waits until a follower shows a commit.
pub(super) fn wait_for(follower: &Agent, dir: &Path, commit: &str) {
    let there = |_: &usize| {
        // A process's life between two looks.
        let seen = status(follower);
        seen["committed_snapshot"] == commit && shown(dir) == commit
    };
    assert!((0..LOOKS).any(|n| there(&n)), "{commit} is never shown: {}", status(follower));
}

/// The drive's commits, oldest first.
pub(super) fn line(agent: &Agent) -> Vec<String> {
    let line = agent.expect(&["drive", "snapshots", "work", "--json"]).unwrap();
    let id = |commit: &serde_json::Value| commit["id"].as_str().unwrap().to_owned();
    line["snapshots"].as_array().unwrap().iter().map(id).collect()
}

/// What a reader found: the commit before and after it read, and what the files said.
type Look = (String, Vec<Option<String>>, String);

/// Tells a reader to stop when dropped.
struct Enough<'a>(&'a AtomicBool);

impl Drop for Enough<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Reads everything again and again until it is told to stop.
fn look(dir: &Path, enough: &AtomicBool, found: &mpsc::Sender<Look>) {
    while !enough.load(Ordering::Relaxed) {
        let before = shown(dir);
        let read = |n: usize| fs::read_to_string(dir.join(format!("dir/file-{n}"))).ok();
        let said = (0..FILES).map(read).collect();
        found.send((before, said, shown(dir))).unwrap();
    }
}

fn write_all(dir: &Path, round: usize) {
    fs::create_dir_all(dir.join("dir")).unwrap();
    for n in 0..FILES {
        // Some are written in place, some replaced.
        let (path, text) = (dir.join(format!("dir/file-{n}")), format!("round {round}"));
        if n % 2 == 0 {
            written(&path, text);
        } else {
            written(&dir.join("new"), text);
            fs::rename(dir.join("new"), path).unwrap();
        }
    }
    written(&dir.join(format!("round-{round}")), "");
    written(&dir.join("big"), round.to_string().repeat(BIG));
}

/// Commits what is written, and says which commit that was.
pub(super) fn committed(writer: &Agent) -> String {
    sync(writer);
    status(writer)["committed_snapshot"].as_str().unwrap().to_owned()
}

/// What was read is of one commit each, and of no earlier one than what was read before.
fn check(looks: &[Look], line: &[String], rounds: &BTreeMap<String, usize>) {
    let place = |commit: &String| {
        let at = line.iter().position(|one| one == commit);
        assert!(at.is_some(), "{commit} is on no line: {line:?}");
        at.unwrap_or_default()
    };
    let (mut last, mut latest) = (0, [0; FILES]);
    for (before, said, after) in looks {
        assert!(place(before) >= last && place(after) >= place(before), "back to {before}");
        last = place(after);
        for (round, said) in latest.iter_mut().zip(said) {
            assert!(said.is_some(), "a file is not there");
            let now: usize =
                said.as_ref().unwrap().strip_prefix("round ").unwrap().parse().unwrap();
            assert!(now >= *round, "{now} after {round}");
            *round = now;
        }
        let known = rounds.get(before).filter(|_| before == after);
        if let Some(round) = known {
            let expected = vec![Some(format!("round {round}")); FILES];
            assert_eq!(*said, expected, "commit {before} is torn");
        }
    }
}

#[test]
fn a_follower_shows_whole_commits_in_order_whoever_writes() {
    if !can_mount() {
        return;
    }
    let mut rig = Rig::new(4);
    rig.agents[0].stop();
    set(&rig.agents[0], &[("lease", SHORT)]);
    rig.agents[0].start().unwrap();
    let second = another(&rig, "second", &[("lease", SHORT)]);
    let third = another(&rig, "third", &[("follow", "1s")]);
    online(&third, 5);
    online(&rig.agents[0], 5);
    rig.agents[0].expect(&["drive", "create", "work", "--json"]).unwrap();
    let refused = Mounted::tried(&third, rig.path("third-mnt"), &["--read-only"]);
    assert_eq!(refused.err().as_deref(), Some("gbak::drive::state"), "there is no commit yet");
    let here = Mounted::at(&rig.agents[0], rig.path("here"), &[]);
    write_all(&here.dir, 0);
    let mut rounds = BTreeMap::from([(committed(&rig.agents[0]), 0)]);
    let there = Mounted::at(&third, rig.path("third-mnt"), &["--read-only"]);
    assert_eq!(
        (&status(&third)["role"], there.text("dir/file-3")),
        (&"follower".into(), Some("round 0".to_owned()))
    );
    let rofs = Some(rustix::io::Errno::ROFS.raw_os_error());
    assert_eq!(fs::write(there.dir.join("more"), "").unwrap_err().raw_os_error(), rofs);
    // Whoever has a file open reads on in what it was.
    let mut open = fs::File::open(there.dir.join("big")).unwrap();
    let mut half = vec![0; BIG / 2];
    open.read_exact(&mut half).unwrap();
    let mut over = None;
    let (enough, (found, looks)) = (AtomicBool::new(false), mpsc::channel());
    std::thread::scope(|scope| {
        let (dir, enough) = (&there.dir, &enough);
        // Set when this ends, whatever ends it: otherwise the reader would go on for ever.
        let _enough = Enough(enough);
        scope.spawn(move || look(dir, enough, &found));
        for round in 1..5 {
            write_all(&here.dir, round);
            let commit = committed(&rig.agents[0]);
            wait_for(&third, &there.dir, &commit);
            rounds.insert(commit, round);
        }
        // The writer is gone without a word; another machine takes over, and is followed.
        rig.agents[0].kill();
        let takes = |_| Mounted::tried(&second, rig.path("second-mnt"), &["--take-over"]).ok();
        over = (0..LOOKS).find_map(takes);
        let dir = &over.as_ref().expect("the lease never runs out").dir;
        for round in 5..8 {
            write_all(dir, round);
            let commit = committed(&second);
            wait_for(&third, &there.dir, &commit);
            rounds.insert(commit, round);
        }
    });
    let mut rest = Vec::new();
    open.read_to_end(&mut rest).unwrap();
    assert!(half.iter().chain(&rest).all(|byte| *byte == b'0') && rest.len() == BIG / 2);
    drop(open);
    let looks: Vec<Look> = looks.into_iter().collect();
    assert!(looks.len() > rounds.len(), "{} looks", looks.len());
    check(&looks, &line(&second), &rounds);
    unmount(&third);
    assert!(!there.dir.join("big").exists());
    unmount(&second);
    drop(over);
}
