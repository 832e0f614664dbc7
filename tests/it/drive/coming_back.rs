//! Mounts that an agent had come back with it: after a kill, after a stop, and when the computer
//! unmounts before it stops the agent. What cannot be mounted is said, and keeps nobody from
//! starting.

use std::fs;
use std::path::Path;

use gbak::demo::agents::Agent;
use rustix::io::Errno;
use serde_json::Value;

use super::following::{another, committed, wait_for};
use super::kit::{can_mount, detach};
use super::sharing::{LOOKS, Mounted, SHORT, status, sync, two_machines, unmount, written};
use super::working::noise;
use crate::net::rig::{Rig, online};

/// Looks at how the drive stands until it does so as wanted.
fn until(agent: &Agent, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let seen = (0..LOOKS).map(|_| status(agent)).find(|status| wanted(status));
    assert!(seen.is_some(), "never {what}: {}", status(agent));
    seen.unwrap()
}

fn until_mounted(agent: &Agent, dir: &Path) {
    let seen = until(agent, "mounted again", |status| status["mounted"] == true);
    assert_eq!(seen["dir"].as_str(), dir.to_str());
    assert_eq!(seen["wanted"], Value::Null);
}

fn is_dead(dir: &Path) -> bool {
    matches!(rustix::fs::statfs(dir), Err(Errno::NOTCONN | Errno::CONNABORTED))
}

#[test]
fn what_was_mounted_is_mounted_again_when_the_agent_is_until_it_is_unmounted() {
    if !can_mount() {
        return;
    }
    let mut rig = Rig::new(4);
    // One that joined knows an address to come back to, wherever it listens after a kill.
    rig.agents.swap(0, 1);
    let mut follower = another(&rig, "follower", &[("follow", "1s")]);
    online(&follower, 4);
    online(&rig.agents[0], 4);
    rig.agents[0].expect(&["drive", "create", "work", "--json"]).unwrap();
    let here = Mounted::at(&rig.agents[0], rig.path("here"), &[]);
    written(&here.dir.join("safe"), noise("safe", 300_000));
    sync(&rig.agents[0]);
    let there = Mounted::at(&follower, rig.path("there"), &["--read-only"]);
    written(&here.dir.join("late"), noise("late", 300_000));
    // Killed in the middle: both mount points answer nothing any more.
    rig.agents[0].kill();
    follower.kill();
    assert!(is_dead(&here.dir) && is_dead(&there.dir));
    rig.agents[0].start().unwrap();
    until_mounted(&rig.agents[0], &here.dir);
    assert!(fs::read(here.dir.join("late")).unwrap() == noise("late", 300_000));
    assert!(fs::read(here.dir.join("safe")).unwrap() == noise("safe", 300_000));
    follower.start().unwrap();
    until_mounted(&follower, &there.dir);
    written(&here.dir.join("more"), "written after the kill");
    let commit = committed(&rig.agents[0]);
    wait_for(&follower, &there.dir, &commit);
    assert_eq!(there.text("more").as_deref(), Some("written after the kill"));
    assert_eq!(status(&follower)["role"], "follower");
    // Whoever mounts it there, in the same way, finds it done.
    let dir = here.dir.to_str().unwrap();
    rig.agents[0].expect(&["drive", "mount", "work", dir, "--json"]).unwrap();
    rig.agents[0].stop();
    assert!(!here.dir.join("more").exists());
    rig.agents[0].start().unwrap();
    until_mounted(&rig.agents[0], &here.dir);
    // A computer that shuts down unmounts what it finds, and stops the agent then.
    detach(&here.dir);
    until(&rig.agents[0], "unmounted", |status| status["mounted"] == false);
    rig.agents[0].stop();
    rig.agents[0].start().unwrap();
    until_mounted(&rig.agents[0], &here.dir);
    unmount(&rig.agents[0]);
    unmount(&follower);
    for agent in [&mut rig.agents[0], &mut follower] {
        agent.kill();
        agent.start().unwrap();
    }
    assert_eq!(status(&rig.agents[0])["wanted"], Value::Null);
    let gone = follower.command(&["drive", "status", "work"]).output().unwrap();
    assert_eq!(gone.status.code(), Some(1), "the follower has nothing of it any more");
    assert!(!here.dir.join("more").exists() && !there.dir.join("more").exists());
}

#[test]
fn a_mount_point_that_is_gone_is_said_and_used_as_soon_as_it_is_there() {
    if !can_mount() {
        return;
    }
    let mut rig = Rig::new(3);
    rig.agents[1].expect(&["drive", "create", "work", "--json"]).unwrap();
    let stick = rig.path("stick");
    let mounted = Mounted::at(&rig.agents[1], stick.clone(), &[]);
    written(&mounted.dir.join("file"), "kept");
    let unplug = |agent: &mut Agent| {
        agent.kill();
        detach(&stick);
        fs::remove_dir(&stick).unwrap();
        agent.start().unwrap();
    };
    unplug(&mut rig.agents[1]);
    let why = "is not a directory that can be mounted on";
    let said =
        |status: &Value| status["wanted"]["reason"].as_str().is_some_and(|it| it.contains(why));
    let missed = until(&rig.agents[1], "missed", said);
    assert_eq!(missed["wanted"]["dir"].as_str(), stick.to_str());
    assert_eq!(missed["mounted"], false);
    fs::create_dir(&stick).unwrap();
    until_mounted(&rig.agents[1], &stick);
    assert_eq!(mounted.text("file").as_deref(), Some("kept"));
    // Or nobody wants it there any more.
    unplug(&mut rig.agents[1]);
    until(&rig.agents[1], "missed", said);
    unmount(&rig.agents[1]);
    let left = status(&rig.agents[1]);
    assert_eq!(left["wanted"], Value::Null);
    let again = rig.agents[1].command(&["drive", "unmount", "work"]).output().unwrap();
    assert_eq!(again.status.code(), Some(1));
}

#[test]
fn a_drive_that_another_machine_writes_by_now_is_not_mounted_again_and_that_is_said() {
    if !can_mount() {
        return;
    }
    let (mut rig, second) = two_machines(SHORT);
    rig.agents[0].expect(&["drive", "create", "work", "--json"]).unwrap();
    let here = Mounted::at(&rig.agents[0], rig.path("here"), &[]);
    written(&here.dir.join("file"), "by the first");
    sync(&rig.agents[0]);
    rig.agents[0].kill();
    let takes = |_| Mounted::tried(&second, rig.path("there"), &["--take-over"]).ok();
    let there = (0..LOOKS).find_map(takes).expect("the lease never runs out");
    rig.agents[0].start().unwrap();
    let held = |status: &Value| {
        status["wanted"]["reason"].as_str().is_some_and(|it| it.contains("writes the drive"))
    };
    let missed = until(&rig.agents[0], "held by the other", held);
    assert_eq!(missed["wanted"]["dir"].as_str(), here.dir.to_str());
    // What the killed agent left there is gone all the same.
    assert!(!is_dead(&here.dir));
    written(&there.dir.join("since"), "by the second");
    sync(&second);
    unmount(&second);
    // A person decides, and finds what the other machine did.
    let dir = here.dir.to_str().unwrap();
    rig.agents[0].expect(&["drive", "mount", "work", dir, "--json"]).unwrap();
    until_mounted(&rig.agents[0], &here.dir);
    assert_eq!(here.text("since").as_deref(), Some("by the second"));
}
