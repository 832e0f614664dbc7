//! kill -9 at random instants: of the source while it backs up, and of a holder while it receives.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use chunker::{OwnerId, PeerId};
use gbak::demo::agents::Agent;
use gbak::vault::index::PackRecord;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use store::{Catalog, DbAt, DiskMedium, Donation, PackState, Shelf, ShelfAt, StatvfsGauge};

use super::rig::{Rig, backup, copy_tree, online, restores};

const KILLS: u32 = 20;

pub(super) fn rng(test: &str) -> StdRng {
    let seed = u64::from_le_bytes(gbak::entropy::bytes(&gbak::entropy::OsEntropy));
    println!("{test}: seed {seed}");
    StdRng::seed_from_u64(seed)
}

#[test]
fn every_head_that_was_ever_visible_restores_however_often_the_source_is_killed() {
    let mut rng = rng("source");
    let mut rig = Rig::new(4);
    let source = rig.path("source");
    fs::create_dir(&source).unwrap();
    rig.agents[0].stop();
    let mut killed = 0;
    let mut round = 0_u32;
    while killed < KILLS {
        change(&source, round, &mut rng);
        copy_tree(&source, &rig.path(&format!("like-{round}")));
        let tag = round.to_string();
        let args = ["backup", source.to_str().unwrap(), "--tag", &tag, "--json"];
        let mut command = rig.agents[0].command(&args);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        killed += u32::from(!kill_after(child, rng.random_range(1..900)));
        round += 1;
    }
    backup(&rig.agents[0], &source);
    assert_eq!(fs::read_dir(rig.agents[0].home().join("spool")).unwrap().count(), 0);
    fs::remove_dir_all(rig.agents[0].home()).unwrap();
    let (new, _) = rig.recover("new", &rig.agents[1]);
    let listed = new.expect(&["snapshots", "--json"]).unwrap();
    let listed = listed["snapshots"].as_array().unwrap();
    println!("{} of {round} runs became visible", listed.len() - 1);
    for snapshot in listed {
        let like = match snapshot["tags"][0].as_str() {
            Some(round) => rig.path(&format!("like-{round}")),
            None => source.clone(),
        };
        restores(&rig, &new, snapshot["id"].as_str().unwrap(), &source, &like);
    }
}

#[test]
fn a_holder_that_is_killed_keeps_every_shard_it_acknowledged_and_no_orphan() {
    let mut rng = rng("holder");
    let mut rig = Rig::new(5);
    let source = rig.path("source");
    fs::create_dir(&source).unwrap();
    for round in 0..KILLS {
        change(&source, round, &mut rng);
        let args = ["backup", source.to_str().unwrap(), "--json"];
        let mut command = rig.agents[0].command(&args);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let victim = 1 + rng.random_range(0..4_usize);
        let wait = Duration::from_millis(rng.random_range(1..500));
        // Nothing is ever sent: this is a wait for an instant, not for an event.
        let (_never, instant) = mpsc::channel::<()>();
        instant.recv_timeout(wait).unwrap_err();
        rig.agents[victim].kill();
        child.wait().unwrap();
        assert_kept(&rig.agents[0], &rig.agents[victim]);
        rig.agents[victim].start().unwrap();
    }
    online(&rig.agents[0], 4);
    let last = backup(&rig.agents[0], &source);
    let id = last["snapshot_id"].as_str().unwrap().to_owned();
    restores(&rig, &rig.agents[0], &id, &source, &source);
}

/// Kills the child after so many milliseconds, unless it ended before. Whether it did.
fn kill_after(mut child: Child, millis: u64) -> bool {
    let (_never, instant) = mpsc::channel::<()>();
    instant.recv_timeout(Duration::from_millis(millis)).unwrap_err();
    let ended = child.try_wait().unwrap().is_some();
    drop(child.kill());
    child.wait().unwrap();
    ended
}

/// New and changed files of a few megabytes in all.
pub(super) fn change(source: &Path, round: u32, rng: &mut StdRng) {
    for n in 0..12_u32 {
        let mut bytes = vec![0; rng.random_range(1..900_000)];
        rng.fill(&mut bytes[..]);
        fs::write(source.join(format!("file-{}", (round * 5 + n) % 40)), bytes).unwrap();
    }
}

/// Opens a dead holder's shelf and looks for everything the source believes to be there.
fn assert_kept(source: &Agent, holder: &Agent) {
    let open = || {
        Shelf::open(ShelfAt {
            medium: std::sync::Arc::new(DiskMedium::new(holder.home().join("shelf"))),
            db: DbAt::File(holder.home().join("host.db")),
            donation: Donation::default(),
            gauge: std::sync::Arc::new(StatvfsGauge),
            disk_path: holder.home().join("shelf"),
            new_mark: gbak::entropy::bytes(&gbak::entropy::OsEntropy),
        })
        .unwrap()
    };
    let (shelf, _) = open();
    let ids = |agent: &Agent| {
        let (peers, _) = agent.run(&["peers", "--json"]).unwrap();
        let me = &peers["self"];
        let peer: PeerId = me["peer_id"].as_str().unwrap().parse().unwrap();
        let owner: OwnerId = me["owner_id"].as_str().unwrap().parse().unwrap();
        (peer, owner)
    };
    let (_, owner) = ids(source);
    let (source_view, _) = source.run(&["peers", "--json"]).unwrap();
    let row =
        source_view["peers"].as_array().unwrap().iter().find(|row| row["name"] == holder.name());
    let peer: PeerId = row.unwrap()["peer_id"].as_str().unwrap().parse().unwrap();
    let catalog = Catalog::open(&source.home().join("catalog.db")).unwrap();
    for state in [PackState::Queued, PackState::Placed, PackState::Indexed] {
        for (_, stored) in catalog.packs_in(state).unwrap() {
            let record = PackRecord::decode_stored(&stored).unwrap();
            for placed in record.shards.iter().filter(|placed| placed.holder == Some(peer)) {
                shelf.get(owner, placed.id).unwrap();
            }
        }
    }
    drop(shelf);
    let (_, opened) = open();
    assert_eq!(opened.orphans_removed, 0, "the first open removed them all");
}
