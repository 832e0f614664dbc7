//! Holders that vanish while files are written: the work goes on, what they held is made again, and
//! whoever follows sees every commit.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use gbak::demo::agents::Agent;
use gbak::demo::compare::compare;

use super::following::{another, committed, line, shown, wait_for};
use super::kit::can_mount;
use super::sharing::{LOOKS, Mounted, set_in, status, unmount, written};
use super::working::noise;
use crate::net::rig::{Rig, online};

const ROUNDS: usize = 8;

/// Looks every second or two, and gives nobody up before ten seconds.
fn hurry(agent: &Agent) {
    set_in(agent, "placement", &[("redundancy", "2+2")]);
    set_in(agent, "schedule", &[("audit", "2s"), ("look", "1s")]);
    set_in(agent, "repair", &[("up", "0 B"), ("presume-lost-after", "10s")]);
}

/// Files of one round: small ones, and one of several packs.
fn work(dir: &Path, round: usize) {
    let dir = dir.join(format!("round-{round}"));
    fs::create_dir(&dir).unwrap();
    for n in 0..30 {
        let seed = format!("{round} {n}");
        written(&dir.join(format!("file-{n}")), noise(&seed, 6_000));
    }
    fs::write(dir.join("large"), noise(&round.to_string(), 3 << 20)).unwrap();
}

#[test]
fn two_targets_vanish_and_the_work_goes_on_is_whole_again_and_followed() {
    if !can_mount() {
        return;
    }
    let mut rig = Rig::new(8);
    rig.agents[0].stop();
    hurry(&rig.agents[0]);
    rig.agents[0].start().unwrap();
    let third = another(&rig, "third", &[("follow", "1s")]);
    online(&rig.agents[0], 8);
    online(&third, 8);
    rig.agents[0].expect(&["drive", "create", "work", "--json"]).unwrap();
    let here = Mounted::at(&rig.agents[0], rig.path("here"), &[]);
    work(&here.dir, 0);
    let mut commits = vec![committed(&rig.agents[0])];
    let there = Mounted::at(&third, rig.path("there"), &["--read-only"]);
    let mut seen = BTreeSet::from([shown(&there.dir)]);
    for round in 1..ROUNDS {
        let dir = here.dir.clone();
        let working = std::thread::spawn(move || work(&dir, round));
        // In the middle of it: nobody was told.
        if let 2 | 4 = round {
            rig.agents[5 + round / 2].kill();
        }
        working.join().unwrap();
        commits.push(committed(&rig.agents[0]));
        wait_for(&third, &there.dir, &commits[round]);
        seen.insert(shown(&there.dir));
    }
    assert!(commits.iter().all(|commit| seen.contains(commit)), "{seen:?} of {commits:?}");
    let line = line(&rig.agents[0]);
    let placed: Vec<_> =
        commits.iter().map(|one| line.iter().position(|on| on == one).unwrap()).collect();
    assert!(placed.is_sorted());
    let whole = |_: &usize| {
        let (status, _) = rig.agents[0].run(&["status", "--json"]).unwrap();
        let peers = rig.agents[0].expect(&["peers", "--json"]).unwrap();
        let lost = |peer: &&serde_json::Value| peer["standing"].as_str().unwrap().contains("lost");
        let lost = peers["peers"].as_array().unwrap().iter().filter(lost).count();
        lost == 2 && status["packs"]["full"] == status["packs"]["total"]
    };
    let done = (0..4 * LOOKS).any(|n| whole(&n));
    assert!(done, "{}", rig.agents[0].run(&["status", "--json"]).unwrap().0);
    // And both see the same, without the two.
    let differs = compare(&here.dir, &there.dir).unwrap().differences;
    assert_eq!(differs, Vec::<String>::new());
    assert_eq!(status(&third)["epoch"], 1);
    unmount(&third);
    unmount(&rig.agents[0]);
}
