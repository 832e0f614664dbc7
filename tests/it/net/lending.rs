//! A holder lends less than it stores, and more again, while the grid works.

use std::fs;
use std::path::Path;

use gbak::demo::agents::Agent;
use serde_json::Value;

use super::rig::{Rig, online, restores};

fn disk(agent: &Agent, args: &[&str]) -> Value {
    agent.expect(&[&["donate"], args, &["--json"]].concat()).unwrap()["disks"][0].clone()
}

/// Adds a file of noise to `source` and backs it up, with or without full redundancy. With as many
/// shards as there are other machines, all of them are needed.
fn backup(agent: &Agent, source: &Path, code: &str, round: u8) -> (Value, i32) {
    let mut noise = vec![0; 300_000];
    blake3::Hasher::new().update(&[round]).finalize_xof().fill(&mut noise);
    fs::write(source.join(format!("file-{round}")), noise).unwrap();
    let source = source.to_str().unwrap();
    agent.run(&["backup", source, "--redundancy", code, "--json"]).unwrap()
}

/// Waits until `source` has heard what `holder` has free now.
fn hears(source: &Agent, holder: &Agent, some: bool) {
    let heard = |_: &u32| {
        let (view, _) = source.run(&["peers", "--json"]).unwrap();
        let peers = view["peers"].as_array().unwrap();
        let free = |peer: &Value| peer["free_bytes"] != 0;
        peers.iter().any(|peer| peer["name"] == holder.name() && free(peer) == some)
    };
    assert!((0..2_000).any(|n| heard(&n)), "the source never heard of the new donation");
}

#[test]
fn lending_less_than_is_stored_refuses_new_shards_keeps_old_ones_and_can_be_taken_back() {
    let rig = Rig::new(4);
    let (source, holder) = (&rig.agents[0], &rig.agents[1]);
    online(source, 3);
    let tree = rig.path("source");
    fs::create_dir(&tree).unwrap();
    let (first, exit) = backup(source, &tree, "2+1", 1);
    assert_eq!(exit, 0, "{first}");
    let before = disk(holder, &[]);
    let stored = before["used_bytes"].as_u64().unwrap();
    assert!(stored > 100_000 && before["state"] == "open", "{before}");
    let less = disk(holder, &["set", "4KiB"]);
    assert_eq!((&less["state"], &less["available_bytes"]), (&"over".into(), &0.into()), "{less}");
    // Before the source knows, it asks and is refused: what should be there has to wait.
    let (asked, exit) = backup(source, &tree, "1+1", 2);
    assert!(exit == 0 || exit == 4, "exit {exit}: {asked}");
    hears(source, holder, false);
    let (walked_past, exit) = backup(source, &tree, "1+1", 3);
    assert!(exit == 0 || exit == 4, "exit {exit}: {walked_past}");
    // Not one byte more, not one less.
    assert_eq!(disk(holder, &[])["used_bytes"], stored);
    for other in &rig.agents[2..] {
        assert!(disk(other, &[])["used_bytes"].as_u64().unwrap() > 600_000);
    }
    let id = |summary: &Value| summary["snapshot_id"].as_str().unwrap().to_owned();
    restores(&rig, source, &id(&walked_past), &tree, &tree);
    let more = disk(holder, &["set", "1GiB", "--min-free", "1MiB"]);
    assert_eq!(more["state"], "open", "{more}");
    hears(source, holder, true);
    let (last, exit) = backup(source, &tree, "2+1", 4);
    assert_eq!((exit, &last["queued_packs"]), (0, &0.into()), "{last}");
    assert!(disk(holder, &[])["used_bytes"].as_u64().unwrap() > stored + 100_000);
    restores(&rig, source, &id(&last), &tree, &tree);
}

#[test]
fn what_is_left_is_offered_at_once_however_seldom_the_disks_are_looked_at() {
    let mut rig = Rig::new(3);
    let holder = &mut rig.agents[1];
    holder.stop();
    let config = holder.home().join("config.toml");
    let text = fs::read_to_string(&config).unwrap();
    let seldom = text.replace("look-every = \"10s\"", "look-every = \"1d\"");
    assert_ne!(seldom, text);
    fs::write(config, seldom).unwrap();
    holder.start().unwrap();
    let (source, holder) = (&rig.agents[0], &rig.agents[1]);
    online(source, 2);
    let tree = rig.path("source");
    fs::create_dir(&tree).unwrap();
    let (_, exit) = backup(source, &tree, "1+1", 1);
    assert_eq!(exit, 0);
    let used = disk(holder, &[])["used_bytes"].clone();
    assert_ne!(used, 0);
    // At the other end, with the next ping.
    let hears = |_: &u32| {
        let (view, _) = source.run(&["peers", "--json"]).unwrap();
        let peers = view["peers"].as_array().unwrap();
        peers.iter().any(|peer| peer["name"] == holder.name() && peer["used_bytes"] == used)
    };
    assert!((0..1_000).any(|n| hears(&n)), "the offer lags behind: {used}");
}
