//! `gbak placement` and the what-ifs of `gbak risk` as they are typed, on real processes.

use std::collections::BTreeSet;
use std::fs;

use gbak::demo::agents::Agent;
use serde_json::Value;

use super::rig::{Rig, backup, init_args, invite, online};

/// Four members besides the source; two of them at home.
fn grid() -> Rig {
    let mut rig = Rig::new(0);
    for (name, site) in [
        ("me", None),
        ("alice", None),
        ("bob", None),
        ("attic", Some("home")),
        ("nas", Some("home")),
    ] {
        let mut agent = rig.home(name);
        let words = rig.words(name);
        let mut args = init_args(name, &words);
        let invite = rig.agents.first().map(invite);
        args.extend(invite.iter().flat_map(|invite| ["--join", invite.as_str()]));
        args.extend(site.iter().flat_map(|site| ["--site", *site]));
        agent.expect(&args).unwrap();
        agent.start().unwrap();
        rig.agents.push(agent);
    }
    online(&rig.agents[0], 4);
    rig
}

fn said(agent: &Agent, args: &[&str]) -> (String, Option<i32>) {
    let output = agent.command(args).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (String::from_utf8(text).unwrap(), output.status.code())
}

fn ids(view: &Value) -> BTreeSet<&str> {
    let packs = view["packs"].as_array().unwrap().iter();
    packs.map(|pack| pack["pack_id"].as_str().unwrap()).collect()
}

fn placement_is_shown_for_paths_snapshots_and_packs(rig: &Rig) {
    let me = &rig.agents[0];
    let source = rig.path("source");
    fs::create_dir_all(source.join("letters")).unwrap();
    fs::write(source.join("letters/mia"), "Dear Mia").unwrap();
    fs::write(source.join("noise"), vec![7; 100_000]).unwrap();
    let snapshot = backup(me, &source)["snapshot_id"].as_str().unwrap().to_owned();
    let show = |what: &str| me.expect(&["placement", what, "--json"]).unwrap();
    let path = source.to_str().unwrap();
    let whole = show(&snapshot);
    assert_eq!(whole["schema"], "gbak.placement/1");
    let holders: BTreeSet<&str> = ["alice", "bob", "attic", "nas"].into();
    for pack in whole["packs"].as_array().unwrap() {
        let shards = pack["shards"].as_array().unwrap();
        assert_eq!(shards.len() as u64, pack["k"].as_u64().unwrap() + pack["m"].as_u64().unwrap());
        for shard in shards {
            assert!(holders.contains(shard["name"].as_str().unwrap()), "{shard}");
            assert!(shard["distance_ms"].as_f64().unwrap() > 0.0 && shard["state"] == "online");
        }
        let domains: BTreeSet<&str> =
            shards.iter().map(|shard| shard["domain"].as_str().unwrap()).collect();
        assert_eq!(domains.len(), 3, "home is one: {pack}");
    }
    assert_eq!(ids(&show("latest")), ids(&whole), "the same by its other name");
    let part = show(&format!("{path}/letters"));
    assert!(ids(&part).is_subset(&ids(&whole)) && !ids(&part).is_empty(), "{part}");
    assert_eq!(ids(&show(&format!("{snapshot}:{path}/letters"))), ids(&part));
    let pack = *ids(&whole).first().unwrap();
    let named = show(&pack[..8]);
    assert_eq!(ids(&named), [pack].into());
    assert_eq!(named["packs"][0], *whole["packs"].as_array().unwrap().first().unwrap());
    let (table, code) = said(me, &["placement", &pack[..8]]);
    assert!(code == Some(0) && table.contains("DOMAIN") && table.contains("1 pack"), "{table}");
    assert!(holders.iter().any(|name| table.contains(name)), "{table}");
    // What is not there, and whoever has no key, gets no answer.
    for what in ["/nowhere", "5c2cdf87", "0123"] {
        let (text, code) = said(me, &["placement", what]);
        assert!(code != Some(0) && text.contains("gbak::"), "{what}: {text}");
    }
    let (text, code) = said(&rig.agents[1], &["placement", &pack[..8]]);
    assert!(code != Some(0) && !text.contains("SHARD"), "{text}");
}

fn risk_is_shown_without_a_member_and_a_site(rig: &Rig) {
    let me = &rig.agents[0];
    let what_if = ["risk", "--without", "alice", "--without-site", "home"];
    let view = me.expect(&[&what_if[..], &["--json"]].concat()).unwrap();
    let cases = view["scenarios"].as_array().unwrap();
    let without: Vec<String> = cases.iter().map(|case| case["without"].to_string()).collect();
    let names = ["[]", r#"["alice"]"#, r#"["site home"]"#, r#"["alice","site home"]"#];
    assert_eq!(without, names, "{view}");
    assert!(cases.iter().all(|case| case["packs_lost"] == 0), "one copy is left: {view}");
    let unrepaired = |case: &Value| case["p_loss_year_unrepaired"].as_f64().unwrap();
    let year = |case: &Value| case["p_loss_year"].as_f64().unwrap();
    let now = |case: &Value| case["p_restore"]["now"].as_f64().unwrap();
    for (less, more) in [(0, 1), (0, 2), (1, 3), (2, 3)] {
        assert!(unrepaired(&cases[less]) < unrepaired(&cases[more]), "{less} {more}: {view}");
        assert!(year(&cases[less]) <= year(&cases[more]), "{less} {more}: {view}");
        assert!(now(&cases[less]) > now(&cases[more]), "{less} {more}: {view}");
    }
    let can_lose = |case: &Value| case["can_lose"].as_u64().unwrap();
    assert!(can_lose(&cases[0]) > can_lose(&cases[3]), "{view}");
    let (table, code) = said(me, &what_if);
    assert!(code == Some(0) && table.contains("alice") && table.contains("site home"), "{table}");
    let (text, code) = said(me, &["risk", "--without-site", "moon"]);
    assert!(code == Some(2) && text.contains("moon"), "{text}");
}

#[test]
fn whereabouts_and_what_ifs_are_shown_as_they_are_typed() {
    let rig = grid();
    placement_is_shown_for_paths_snapshots_and_packs(&rig);
    risk_is_shown_without_a_member_and_a_site(&rig);
}
