//! Guardians over real processes: appointed, told, dismissed.

use std::fs;

use gbak::demo::agents::Agent;
use serde_json::Value;

use super::rig::{Rig, backup};

fn guardians(agent: &Agent, args: &[&str]) -> Value {
    let args: Vec<&str> = ["guardians"].iter().chain(args).chain(&["--json"]).copied().collect();
    agent.expect(&args).unwrap()
}

#[test]
fn a_guardian_is_appointed_knows_its_ward_and_is_dismissed() {
    let rig = Rig::new(4);
    let source = rig.path("source");
    fs::create_dir(&source).unwrap();
    fs::write(source.join("file"), vec![7; 300_000]).unwrap();
    let (ada, bob) = (&rig.agents[0], &rig.agents[1]);
    backup(ada, &source);
    let added = guardians(ada, &["add", "peer1"]);
    assert_eq!(added["schema"], "gbak.guardians/1");
    assert_eq!(
        (&added["guardians"][0]["name"], added["wards"][0].is_null()),
        (&"peer1".into(), true)
    );
    assert!(added["guardians"][0]["packs"].as_u64() > Some(1), "{added}");
    let at_bob = guardians(bob, &[]);
    assert!(at_bob["wards"][0]["expires"].is_string() && at_bob["guardians"][0].is_null());
    let ward = bob.home().join("wards");
    assert_eq!(fs::read_dir(&ward).unwrap().count(), 1);
    let again = guardians(ada, &["add", "peer1"]);
    assert_eq!(again["guardians"].as_array().map(Vec::len), Some(1), "{again}");
    let removed = guardians(ada, &["remove", "peer1"]);
    assert_eq!(removed["told"], serde_json::json!([3, 3]), "{removed}");
    assert_eq!(fs::read_dir(&ward).unwrap().count(), 0);
    assert!(guardians(bob, &[])["wards"][0].is_null());
    let unknown = ada.command(&["guardians", "add", "nobody"]).output().unwrap();
    assert_eq!(unknown.status.code(), Some(2));
}
