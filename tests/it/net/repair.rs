//! Repair over real processes: what machines lose is found and made again without being asked for.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::care::empty_shards;
use super::rig::{Rig, copy_tree, online, restores};

/// Looks and audits every second or two, and gives nobody up before ten seconds.
const HASTE: [(&str, &str); 3] = [
    ("audit = \"6h\"", "audit = \"2s\""),
    ("look = \"5m\"", "look = \"1s\""),
    ("up = \"4 MiB\"", "up = \"0 B\"\npresume-lost-after = \"10s\""),
];

/// Makes a stopped agent hurry.
fn hurry(rig: &Rig, agent: usize) {
    let path = rig.agents[agent].home().join("config.toml");
    let mut config = fs::read_to_string(&path).unwrap();
    for (slow, fast) in HASTE {
        assert!(config.contains(slow), "{config}");
        config = config.replace(slow, fast);
    }
    fs::write(path, config).unwrap();
}

fn files_below(dir: &Path, part: &str) -> Vec<PathBuf> {
    let (mut open, mut files) = (vec![dir.to_owned()], Vec::new());
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.components().any(|one| one.as_os_str() == part) {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// Flips a bit in one of a stopped holder's shards in thirty, and in one at least.
fn corrupt(rig: &mut Rig, holder: usize) {
    assert_eq!(rig.agents[holder].stop(), Some(0));
    let files = files_below(rig.agents[holder].home(), "shards");
    assert!(!files.is_empty());
    for path in files.iter().step_by(30) {
        let mut bytes = fs::read(path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(path, bytes).unwrap();
    }
    rig.agents[holder].start().unwrap();
}

#[test]
fn dead_disks_rot_and_a_departure_are_found_and_every_pack_is_whole_again() {
    let mut rig = Rig::new(8);
    let source = rig.path("source");
    fs::create_dir(&source).unwrap();
    for n in 0..6_u8 {
        let mut noise = vec![0; 700_000];
        blake3::Hasher::new().update(&[n]).finalize_xof().fill(&mut noise);
        fs::write(source.join(format!("noise-{n}")), noise).unwrap();
        let path = source.to_str().unwrap();
        rig.agents[0].expect(&["backup", path, "--redundancy", "4+2", "--json"]).unwrap();
    }
    let like = rig.path("like");
    copy_tree(&source, &like);
    assert_eq!(rig.agents[0].stop(), Some(0));
    hurry(&rig, 0);
    // One leaves for good, two lose their disks, one's rots.
    assert_eq!(rig.agents[7].stop(), Some(0));
    empty_shards(&mut rig, 1);
    empty_shards(&mut rig, 2);
    corrupt(&mut rig, 3);
    rig.agents[0].start().unwrap();
    online(&rig.agents[0], 6);
    let whole = |_: &u32| {
        let (status, _) = rig.agents[0].run(&["status", "--json"]).unwrap();
        let peers = rig.agents[0].expect(&["peers", "--json"]).unwrap();
        let peers = peers["peers"].as_array().unwrap();
        let failed = peers.iter().filter(|peer| peer["audit"]["failed"].as_u64() > Some(0));
        let failed: BTreeSet<_> = failed.map(|peer| peer["name"].as_str().unwrap()).collect();
        let given_up =
            peers.iter().filter(|peer| peer["standing"].as_str().unwrap().contains("lost"));
        let given_up: Vec<_> = given_up.map(|peer| peer["name"].as_str().unwrap()).collect();
        status["packs"]["full"] == status["packs"]["total"]
            && failed == BTreeSet::from(["peer1", "peer2", "peer3"])
            && given_up == ["peer7"]
    };
    let done = (0..600).any(|n| whole(&n));
    let (status, _) = rig.agents[0].run(&["status", "--json"]).unwrap();
    assert!(done, "{status}");
    let kept = rig.agents[0].expect(&["audit", "--history", "peer3", "--json"]).unwrap();
    let kept = &kept["holders"][0];
    assert!(kept["correctness"].as_f64() < Some(1.0), "{kept}");
    assert!(kept["failures"].as_array().is_some_and(|failed| !failed.is_empty()), "{kept}");
    let again = rig.agents[0].expect(&["repair", "--json"]).unwrap();
    assert_eq!((&again["shards_made"], &again["packs_still_degraded"]), (&0.into(), &0.into()));
    assert_eq!(again["bytes_from_peers"], 0);
    // Somebody comes back, somebody else is given up by hand: nobody is read from.
    rig.agents[7].start().unwrap();
    online(&rig.agents[0], 7);
    assert_eq!(rig.agents[5].stop(), Some(0));
    let lost = rig.agents[0].expect(&["peers", "lost", "peer5", "--yes", "--json"]).unwrap();
    assert!(lost["shards_made"].as_u64() > Some(0), "{lost}");
    assert_eq!((&lost["bytes_from_peers"], &lost["packs_still_degraded"]), (&0.into(), &0.into()));
    // The machine is gone, and so is one of those that lost their disks.
    rig.agents[0].stop();
    rig.agents[1].stop();
    let (new, _) = rig.recover("new", &rig.agents[4]);
    restores(&rig, &new, "latest", &source, &like);
}

#[test]
fn an_absence_that_was_announced_is_known_to_others_and_can_be_taken_back() {
    let mut rig = Rig::new(4);
    let source = rig.path("source");
    fs::create_dir(&source).unwrap();
    fs::write(source.join("file"), "content").unwrap();
    let path = source.to_str().unwrap();
    rig.agents[0].expect(&["backup", path, "--json"]).unwrap();
    assert_eq!(rig.agents[0].stop(), Some(0));
    hurry(&rig, 0);
    rig.agents[0].start().unwrap();
    online(&rig.agents[0], 3);
    let said = rig.agents[2].expect(&["away", "5d", "--json"]).unwrap();
    assert_eq!((&said["told"], &said["asked"]), (&3.into(), &3.into()), "{said}");
    assert_eq!(rig.agents[2].stop(), Some(0));
    let reasons = || rig.agents[0].run(&["status", "--json"]).unwrap().0["reasons"].to_string();
    let known = (0..600).any(|_| reasons().contains("peer2 is away until 20"));
    assert!(known, "{}", reasons());
    // It is kept over a restart, and too long an absence is refused.
    rig.agents[2].start().unwrap();
    rig.agents[2].run(&["away", "90d", "--json"]).unwrap_err();
    let back = rig.agents[2].expect(&["away", "--back", "--json"]).unwrap();
    assert!(back["until"].is_null(), "{back}");
}
