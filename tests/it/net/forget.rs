//! Forgetting with real processes, and kill -9 while at it.

use std::fs;
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use gbak::demo::agents::Agent;

use super::rig::{Rig, backup, restores};

const KILLS: u64 = 8;

fn count(agent: &Agent) -> usize {
    let view = agent.expect(&["snapshots", "--json"]).unwrap();
    view["snapshots"].as_array().unwrap().len()
}

#[test]
fn forgotten_snapshots_are_gone_after_a_recovery_however_often_it_was_killed() {
    let mut rig = Rig::new(4);
    let tree = rig.path("source");
    fs::create_dir(&tree).unwrap();
    let mut forgotten = String::new();
    // From here on every command is a process of its own, which can be killed.
    rig.agents[0].stop();
    for round in 0..KILLS {
        fs::write(tree.join("file"), format!("round {round}")).unwrap();
        let summary = backup(&rig.agents[0], &tree);
        if round == 0 {
            summary["snapshot_id"].as_str().unwrap().clone_into(&mut forgotten);
        }
        let mut command = rig.agents[0].command(&["forget", "--keep-last", "1", "--json"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // Nothing is ever sent: this is a wait for an instant, not for an event.
        let (_never, instant) = mpsc::channel::<()>();
        instant.recv_timeout(Duration::from_millis(60 + 90 * round)).unwrap_err();
        drop(child.kill());
        child.wait().unwrap();
    }
    fs::write(tree.join("file"), "the last one").unwrap();
    let last = backup(&rig.agents[0], &tree);
    let before = count(&rig.agents[0]);
    let dry = ["forget", "--keep-last", "1", "--dry-run", "--json"];
    let said = rig.agents[0].expect(&dry).unwrap();
    assert_eq!((&said["kept"], count(&rig.agents[0])), (&1.into(), before), "{said}");
    let done = rig.agents[0].expect(&["forget", "--keep-last", "1", "--json"]).unwrap();
    assert_eq!((&done["kept"], &done["forgotten"]), (&said["kept"], &said["forgotten"]), "{done}");
    assert_eq!(done["reclaimed_bytes"], 0);
    assert_eq!(count(&rig.agents[0]), 1);
    fs::remove_dir_all(rig.agents[0].home()).unwrap();
    let (new, found) = rig.recover("new", &rig.agents[1]);
    assert_eq!(found["snapshots"], 1, "{found}");
    restores(&rig, &new, last["snapshot_id"].as_str().unwrap(), &tree, &tree);
    let target = rig.path("gone");
    let args = ["restore", &forgotten, "--target", target.to_str().unwrap(), "--json"];
    let (_, exit) = new.run(&args).unwrap();
    assert_eq!((exit, target.exists()), (1, false));
}
