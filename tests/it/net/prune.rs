//! Forgetting and pruning with real processes, and kill -9 while at it.

use std::collections::BTreeSet;
use std::fs;
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use chunker::ShardId;
use gbak::demo::agents::Agent;
use gbak::vault::index::PackRecord;
use rand::RngExt;
use rand::rngs::StdRng;
use store::Catalog;

use super::crash::{change, rng};
use super::rig::{Rig, backup, online, restores};

/// Kills in a run of the suite; `GBAK_TEST_KILLS` asks for another number.
const KILLS: u32 = 10;

fn kills() -> u32 {
    std::env::var("GBAK_TEST_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(KILLS)
}

/// Makes a holder's quarantine last a second.
fn hurry(agent: &mut Agent) {
    agent.stop();
    let path = agent.home().join("config.toml");
    let text = fs::read_to_string(&path).unwrap();
    let short = text.replace("quarantine = \"7d\"", "quarantine = \"1s\"\nfor-tests = true");
    assert_ne!(short, text, "{text}");
    fs::write(&path, short).unwrap();
    agent.start().unwrap();
}

/// Starts this and kills it at some instant, unless it ends before. Whether it was killed.
fn killed(agent: &Agent, args: &[&str], rng: &mut StdRng) -> bool {
    let mut command = agent.command(args);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // Nothing is ever sent: this is a wait for an instant, not for an event.
    let (_never, instant) = mpsc::channel::<()>();
    instant.recv_timeout(Duration::from_millis(rng.random_range(20..1500))).unwrap_err();
    let ended = child.try_wait().unwrap().is_some();
    drop(child.kill());
    child.wait().unwrap();
    !ended
}

/// Every shard that the source's index names.
fn named(source: &Agent) -> BTreeSet<String> {
    let catalog = Catalog::open(&source.home().join("catalog.db")).unwrap();
    let mut named: BTreeSet<ShardId> = BTreeSet::new();
    let each = |row: &store::PackRow| {
        let record = PackRecord::decode_stored(&row.record).unwrap();
        named.extend(record.shards.iter().map(|placed| placed.id));
        Ok::<(), store::CatalogError>(())
    };
    catalog.for_each_pack(each).unwrap();
    named.iter().map(ToString::to_string).collect()
}

/// Every shard's file on a holder's disk.
fn files(holder: &Agent) -> BTreeSet<String> {
    let firsts = fs::read_dir(holder.home().join("shelf/shards")).unwrap();
    let files = firsts.flat_map(|dir| fs::read_dir(dir.unwrap().path()).unwrap());
    files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn forget_and_prune_killed_at_random_instants_lose_nothing_and_garbage_goes_in_the_end() {
    let mut rng = rng("prune");
    let mut rig = Rig::new(4);
    for holder in &mut rig.agents[1..] {
        hurry(holder);
    }
    let source = rig.path("source");
    fs::create_dir(&source).unwrap();
    online(&rig.agents[0], 3);
    // From here on every command is a process of its own, which can be killed.
    rig.agents[0].stop();
    let forget = ["forget", "--keep-last", "2", "--json"];
    let prune = ["prune", "--keep-delete", "0s", "--max-unused", "0%", "--json"];
    let (wanted, mut done) = (kills(), 0);
    for round in 0_u32.. {
        change(&source, round, &mut rng);
        // This places first what a killed run left in the spool.
        backup(&rig.agents[0], &source);
        if round % 4 == 3 {
            rig.agents[0].expect(&["check", "--read-data", "--json"]).unwrap();
        }
        for args in [&forget[..], &prune[..]] {
            done += u32::from(killed(&rig.agents[0], args, &mut rng));
        }
        if done >= wanted {
            println!("{done} kills in {round} rounds");
            break;
        }
    }
    let last = backup(&rig.agents[0], &source);
    rig.agents[0].expect(&forget).unwrap();
    // A shard that came in the same second as a set was opened goes with the next one.
    let clean = |rig: &Rig| {
        rig.agents[0].expect(&prune).unwrap();
        let named = named(&rig.agents[0]);
        rig.agents[1..].iter().all(|holder| files(holder).is_subset(&named))
    };
    assert!((0..60).any(|_| clean(&rig)), "garbage stays");
    rig.agents[0].expect(&["check", "--read-data", "--json"]).unwrap();
    fs::remove_dir_all(rig.agents[0].home()).unwrap();
    let (new, found) = rig.recover("new", &rig.agents[1]);
    assert_eq!(found["snapshots"], 2, "{found}");
    restores(&rig, &new, last["snapshot_id"].as_str().unwrap(), &source, &source);
}
