//! A restore rehearsed over real processes.

use std::fs;

use gbak::demo::agents::Agent;

use super::rig::{Rig, backup};

fn exit(agent: &Agent, args: &[&str]) -> Option<i32> {
    agent.command(args).output().unwrap().status.code()
}

#[test]
fn a_drill_proves_a_restore_and_status_tells_of_it() {
    let mut rig = Rig::new(4);
    let source = rig.path("source");
    fs::create_dir(&source).unwrap();
    for n in 0..30_u32 {
        let mut noise = vec![0; 60_000];
        blake3::Hasher::new().update(&n.to_le_bytes()).finalize_xof().fill(&mut noise);
        fs::write(source.join(format!("noise-{n}")), noise).unwrap();
    }
    let ada = &rig.agents[0];
    assert_eq!(exit(ada, &["drill"]), Some(1), "there is no snapshot yet");
    backup(ada, &source);
    let drilled = ada.expect(&["drill", "--files", "12", "--json"]).unwrap();
    assert_eq!((&drilled["schema"], &drilled["ok"]), (&"gbak.drill/1".into(), &true.into()));
    assert_eq!((&drilled["files"], &drilled["identical"]), (&12.into(), &12.into()), "{drilled}");
    assert_eq!(drilled["files_total"], 30);
    let one = ada.expect(&["drill", "--without-peers", "1", "--json"]).unwrap();
    assert_eq!((&one["identical"], one["aside"].as_array().map(Vec::len)), (&20.into(), Some(1)));
    let (status, _) = ada.run(&["status", "--json"]).unwrap();
    assert!(status["last_drill"].is_string(), "{status}");
    assert_eq!(status["proof"]["files"], 20, "{status}");
    assert!(!ada.home().join("drill").exists());
    for holder in &mut rig.agents[1..] {
        holder.kill();
    }
    assert_eq!(exit(&rig.agents[0], &["drill", "--wait-peers", "5s"]), Some(21));
}
