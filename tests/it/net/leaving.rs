//! Leaving a grid of real agents, and moving one's data away from a machine.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use gbak::demo::agents::Agent;
use serde_json::Value;

use super::rig::{Rig, backup, online, restores};

/// Writes `files` files of noise below a new directory.
pub(super) fn source(rig: &Rig, name: &str, files: u32) -> PathBuf {
    let root = rig.path(name);
    fs::create_dir(&root).unwrap();
    for n in 0..files {
        let mut noise = vec![0; 400_000];
        let seed = format!("{name}-{n}");
        blake3::Hasher::new().update(seed.as_bytes()).finalize_xof().fill(&mut noise);
        fs::write(root.join(format!("file-{n:02}")), noise).unwrap();
    }
    root
}

/// Of each pack of the newest snapshot, how many shards have a holder, and who those are.
fn shards(agent: &Agent) -> BTreeMap<String, Vec<String>> {
    let view = agent.expect(&["placement", "latest", "--json"]).unwrap();
    let holders = |pack: &Value| {
        let shards = pack["shards"].as_array().unwrap().iter();
        shards.filter_map(|shard| shard["peer_id"].as_str().map(str::to_owned)).collect()
    };
    let packs = view["packs"].as_array().unwrap().iter();
    packs.map(|pack| (pack["pack_id"].as_str().unwrap().to_owned(), holders(pack))).collect()
}

fn id(agent: &Agent) -> String {
    let view = agent.expect(&["peers", "--json"]).unwrap();
    view["self"]["peer_id"].as_str().unwrap().to_owned()
}

fn used(agent: &Agent) -> u64 {
    agent.expect(&["donate", "--json"]).unwrap()["disks"][0]["used_bytes"].as_u64().unwrap()
}

fn no_pack_is_worse(before: &BTreeMap<String, Vec<String>>, now: &BTreeMap<String, Vec<String>>) {
    for (pack, holders) in before {
        let count = now.get(pack).map_or(0, Vec::len);
        assert!(count >= holders.len(), "pack {pack} had {} shards, has {count}", holders.len());
    }
}

fn snapshot(agent: &Agent, path: &Path) -> String {
    let args = ["backup", path.to_str().unwrap(), "--redundancy", "2+1", "--json"];
    agent.expect(&args).unwrap()["snapshot_id"].as_str().unwrap().to_owned()
}

/// Of each pack of the newest snapshot, the names of its shards.
fn names(agent: &Agent) -> BTreeMap<String, BTreeSet<String>> {
    let view = agent.expect(&["placement", "latest", "--json"]).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let shards = |pack: &Value| {
        pack["shards"].as_array().unwrap().iter().map(|shard| text(&shard["shard_id"])).collect()
    };
    let packs = view["packs"].as_array().unwrap().iter();
    packs.map(|pack| (text(&pack["pack_id"]), shards(pack))).collect()
}

/// The shards that are whole on the disk below this home.
fn whole(home: &Path) -> BTreeSet<String> {
    let entries = |dir: PathBuf| fs::read_dir(dir).into_iter().flatten().flatten();
    let dirs = entries(home.join("shelf/shards"));
    let files = dirs.flat_map(|dir| entries(dir.path())).map(|file| file.path());
    // One that goes between the two looks is none.
    let name = |file: PathBuf| {
        let name = file.file_name()?.to_str()?.to_owned();
        let hash = blake3::hash(&fs::read(&file).ok()?).to_hex();
        (hash.as_str() == name).then_some(name)
    };
    files.filter_map(name).collect()
}

/// Looks at the very disks, again and again until told to stop, whether every shard of these packs
/// is whole on one of them. Shards go from the first home to the others and never back, so that who
/// looks in this order misses none. Says how often it looked.
fn watch(homes: &[PathBuf], packs: &BTreeMap<String, BTreeSet<String>>, stop: &AtomicBool) -> u32 {
    let mut looks = 0;
    loop {
        let last = stop.load(Ordering::SeqCst);
        let mut there = BTreeSet::new();
        homes.iter().for_each(|home| there.extend(whole(home)));
        for (pack, shards) in packs {
            let live = shards.intersection(&there).count();
            assert_eq!(live, shards.len(), "look {looks}: pack {pack} has fewer live shards");
        }
        looks += 1;
        if last {
            return looks;
        }
    }
}

#[test]
fn one_of_six_agents_leaves_and_nothing_is_ever_missing() {
    let mut rig = Rig::new(6);
    let owners = [0, 1];
    for owner in owners {
        online(&rig.agents[owner], 5);
    }
    let sources = [source(&rig, "first", 12), source(&rig, "second", 12)];
    let ids = owners.map(|owner| snapshot(&rig.agents[owner], &sources[owner]));
    let restore = |rig: &Rig, owner: usize| {
        restores(rig, &rig.agents[owner], &ids[owner], &sources[owner], &sources[owner]);
    };
    owners.iter().for_each(|owner| restore(&rig, *owner));
    let before = owners.map(|owner| shards(&rig.agents[owner]));
    let mut packs = names(&rig.agents[0]);
    packs.extend(names(&rig.agents[1]));
    // Whoever has most.
    let leaver = (2..6).max_by_key(|n| used(&rig.agents[*n])).unwrap();
    let (leaves, stored) = (id(&rig.agents[leaver]), used(&rig.agents[leaver]));
    let held = whole(rig.agents[leaver].home());
    let ours = packs.values().filter(|shards| !shards.is_disjoint(&held)).count();
    assert!(stored > 0 && ours > 1, "{ours} packs have a shard there");
    let others = (0..6).filter(|n| *n != leaver).map(|n| rig.agents[n].home().to_owned());
    let homes: Vec<PathBuf> =
        std::iter::once(rig.agents[leaver].home().to_owned()).chain(others).collect();
    let mut leaving = rig.agents[leaver].command(&["leave", "--yes", "--json"]);
    let left = AtomicBool::new(false);
    let output = std::thread::scope(|scope| {
        let watching = scope.spawn(|| watch(&homes, &packs, &left));
        let mut leaving = leaving.stdout(std::process::Stdio::piped()).spawn().unwrap();
        // While it drains.
        for owner in owners {
            restore(&rig, owner);
            no_pack_is_worse(&before[owner], &shards(&rig.agents[owner]));
        }
        while leaving.try_wait().unwrap().is_none() {
            for owner in owners {
                no_pack_is_worse(&before[owner], &shards(&rig.agents[owner]));
            }
        }
        left.store(true, Ordering::SeqCst);
        let looks = watching.join().unwrap();
        assert!(looks > 2, "only {looks} looks");
        leaving.wait_with_output().unwrap()
    });
    let view: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(output.status.success() && view["drained"] == true, "{view}");
    assert_eq!(view["bytes_moved"], stored);
    assert_eq!(used(&rig.agents[leaver]), 0, "100 %");
    assert_eq!(whole(rig.agents[leaver].home()), BTreeSet::new(), "nor on its disk");
    rig.agents[leaver].stop();
    // Without it as well.
    watch(&homes[1..], &packs, &left);
    for owner in owners {
        let after = shards(&rig.agents[owner]);
        no_pack_is_worse(&before[owner], &after);
        assert!(after.values().flatten().all(|holder| *holder != leaves), "{after:?}");
        restore(&rig, owner);
        let check = rig.agents[owner].expect(&["check", "--read-data", "--json"]).unwrap();
        assert!(check["ok"] == true && check["shards_missing"] == 0, "{check}");
    }
    // A machine that only has the words finds all of it, and the next backup goes on.
    let (found, report) = rig.recover("new", &rig.agents[1]);
    assert_eq!(report["snapshots"], 1, "{report}");
    restores(&rig, &found, &ids[0], &sources[0], &sources[0]);
    assert_eq!(backup(&rig.agents[1], &sources[1])["data_added"], 0);
}

#[test]
fn an_owner_evacuates_a_machine_that_is_gone() {
    let mut rig = Rig::new(6);
    online(&rig.agents[0], 5);
    let source = source(&rig, "source", 12);
    let snapshot = snapshot(&rig.agents[0], &source);
    let before = shards(&rig.agents[0]);
    let gone = (1..6).max_by_key(|n| used(&rig.agents[*n])).unwrap();
    let (name, id) = (rig.agents[gone].name().to_owned(), id(&rig.agents[gone]));
    rig.agents[gone].kill();
    let moved = rig.agents[0].expect(&["peers", "evacuate", &name, "--json"]).unwrap();
    assert!(moved["shards_moved"].as_u64().unwrap() > 0 && moved["shards_left"] == 0, "{moved}");
    let after = shards(&rig.agents[0]);
    no_pack_is_worse(&before, &after);
    assert!(after.values().flatten().all(|holder| *holder != id), "{after:?}");
    restores(&rig, &rig.agents[0], &snapshot, &source, &source);
}
