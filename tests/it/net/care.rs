//! Check and audit over real processes: what holders lost is found, named, and told by the exit.

use std::fs;

use super::rig::{Rig, backup, online};

/// Empties a stopped holder's shelf, as a failed disk does that was replaced.
pub(super) fn empty_shards(rig: &mut Rig, holder: usize) {
    let agent = &mut rig.agents[holder];
    assert_eq!(agent.stop(), Some(0));
    let mut dirs = vec![agent.home().to_owned()];
    let mut removed = 0;
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
            } else if path.components().any(|part| part.as_os_str() == "shards") {
                fs::remove_file(path).unwrap();
                removed += 1;
            }
        }
    }
    assert!(removed > 0, "the holder held nothing");
    agent.start().unwrap();
}

#[test]
fn check_and_audit_tell_health_from_loss_and_name_holders_and_files() {
    let mut rig = Rig::new(4);
    let source = rig.path("source");
    fs::create_dir(&source).unwrap();
    let mut noise = vec![0; 1_000_000];
    blake3::Hasher::new().update(b"noise").finalize_xof().fill(&mut noise);
    fs::write(source.join("noise"), noise).unwrap();
    backup(&rig.agents[0], &source);
    let fine = rig.agents[0].expect(&["check", "--read-data", "--json"]).unwrap();
    assert_eq!((&fine["schema"], &fine["ok"]), (&"gbak.check/1".into(), &true.into()));
    assert!(
        fine["packs_checked"].as_u64() > Some(0) && fine["bytes_read"].as_u64() > Some(999_999)
    );
    let proved = rig.agents[0].expect(&["audit", "--json"]).unwrap();
    assert_eq!(proved["schema"], "gbak.audit/1");
    let challenges = proved["verdicts"].as_array().unwrap();
    assert!(challenges.len() >= 9 && challenges.iter().all(|one| one["verdict"] == "proved"));
    assert_eq!(
        (&proved["summary"]["holders"], &proved["summary"]["wrong"]),
        (&3.into(), &0.into())
    );
    // Whether it is noticed before anything reads there is up to the holder: reading finds it.
    for holder in 1..4 {
        empty_shards(&mut rig, holder);
    }
    online(&rig.agents[0], 3);
    let (lost, exit) = rig.agents[0].run(&["check", "--read-data", "--json"]).unwrap();
    assert_eq!((exit, &lost["ok"], &lost["exit"]), (6, &false.into(), &6.into()), "{lost}");
    let problems = lost["problems"].as_array().unwrap();
    let file = source.join("noise").to_str().unwrap().to_owned();
    let hit = |problem: &&serde_json::Value| {
        problem["kind"] == "loss"
            && problem["files"].as_array().unwrap().iter().any(|name| *name == file.as_str())
    };
    let (audited, exit) = rig.agents[0].run(&["audit", "--json"]).unwrap();
    assert_eq!((exit, &audited["summary"]["proved"]), (6, &0.into()), "{audited}");
    let (one, exit) = rig.agents[0].run(&["audit", "peer2", "--json"]).unwrap();
    assert_eq!((exit, &one["summary"]["holders"]), (5, &1.into()), "{one}");
    let peers = rig.agents[0].expect(&["peers", "--json"]).unwrap();
    let peers = peers["peers"].as_array().unwrap();
    assert!(peers.iter().all(|peer| peer["audit"]["failed"].as_u64() > Some(0)), "{peers:?}");
    let problem = problems.iter().find(hit).unwrap_or_else(|| panic!("{file} not named: {lost}"));
    assert!(problem["holders"][0]["name"].as_str().unwrap().starts_with("peer"), "{problem}");
}
