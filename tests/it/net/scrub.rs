//! Rot over real processes: a file of a holder's disk is damaged behind its back.

use std::fs;
use std::path::{Path, PathBuf};

use gbak::demo::agents::Agent;
use serde_json::Value;

use super::leaving::source;
use super::rig::{Rig, backup, online, restores};

/// Makes an agent read what it holds again all the time, and fast.
fn hurry(agent: &mut Agent) {
    agent.stop();
    let config = agent.home().join("config.toml");
    let text = fs::read_to_string(&config).unwrap();
    let text = text.replace("scrub = \"2 MiB\"", "scrub = \"64 MiB\"");
    let text = text.replace("scrub-every = \"7d\"", "scrub-every = \"0s\"");
    assert!(text.contains("64 MiB") && text.contains("\"0s\""), "{text}");
    fs::write(config, text).unwrap();
    agent.start().unwrap();
}

/// The largest file of a shard that an agent holds.
fn shard_file(agent: &Agent) -> PathBuf {
    let dirs = fs::read_dir(agent.home().join("shelf/shards")).unwrap().flatten();
    let files = dirs.flat_map(|dir| fs::read_dir(dir.path()).unwrap().flatten());
    let paths = files.map(|file| file.path());
    paths.max_by_key(|path| fs::metadata(path).unwrap().len()).unwrap()
}

fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    bytes[1000] ^= 1;
    fs::write(path, bytes).unwrap();
}

/// Looks again and again until `wanted`: each look takes a process's life.
fn becomes(agent: &Agent, args: &[&str], wanted: impl Fn(&Value) -> bool) -> Value {
    let mut looks = (0..2_000).map(|_| agent.run(args).unwrap().0);
    let found = looks.find(wanted);
    assert!(found.is_some(), "never: {:?}", agent.run(args));
    found.unwrap_or_default()
}

#[test]
fn a_file_that_rots_on_a_holders_disk_is_seen_on_both_sides_without_anybody_reading_it() {
    let mut rig = Rig::new(4);
    hurry(&mut rig.agents[1]);
    let (owner, holder) = (&rig.agents[0], &rig.agents[1]);
    online(owner, 3);
    let source = source(&rig, "source", 10);
    let id = backup(owner, &source)["snapshot_id"].as_str().unwrap().to_owned();
    let fine =
        becomes(owner, &["status", "--json"], |it| it["packs"]["full"] == it["packs"]["total"]);
    assert!(fine["packs"]["total"].as_u64() > Some(0));
    let passes = ["donate", "--json"];
    becomes(holder, &passes, |it| it["scrub"]["shards"].as_u64() > Some(0));
    // Nothing is mended while backups are paused: so it can be seen.
    owner.expect(&["pause", "--json"]).unwrap();
    flip(&shard_file(holder));
    let seen = becomes(holder, &passes, |it| it["scrub"]["rotten"] == 1);
    assert_eq!(seen["scrub"]["missing"], 0, "{seen}");
    let status = becomes(owner, &["status", "--json"], |it| {
        it["packs"]["full"].as_u64() < fine["packs"]["full"].as_u64()
    });
    assert_eq!(status["packs"]["lost"], 0, "{status}");
    // A file that nobody knows of takes room that is in no figure: it is found and goes.
    let stray = holder.home().join("shelf/shards/ab").join("ab".repeat(32));
    fs::write(&stray, vec![0; 1000]).unwrap();
    becomes(holder, &passes, |_| !stray.exists());
    becomes(holder, &passes, |it| it["count"]["files"].as_u64() > Some(0));
    restores(&rig, owner, &id, &source, &source);
}
