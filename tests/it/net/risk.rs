//! The risk of a backup on real processes, and what it would be without some of them.

use std::fs;

use super::rig::{Rig, backup, init_args, invite, online};

#[test]
fn risk_counts_who_holds_what_and_shows_what_ifs_side_by_side() {
    let mut rig = Rig::new(3);
    // One more, at a site.
    let mut attic = rig.home("peer3");
    let (words, invitation) = (rig.words("peer3"), invite(&rig.agents[0]));
    let mut args = init_args("peer3", &words);
    args.extend(["--join", &invitation, "--site", "attic"]);
    attic.expect(&args).unwrap();
    attic.start().unwrap();
    rig.agents.push(attic);
    online(&rig.agents[0], 3);
    let source = rig.path("source");
    fs::create_dir(&source).unwrap();
    fs::write(source.join("letter"), "Dear Mia").unwrap();
    backup(&rig.agents[0], &source);
    let ada = &rig.agents[0];

    let now = ada.expect(&["risk", "--json"]).unwrap();
    assert_eq!((&now["schema"], &now["packs_lost"]), (&"gbak.risk/1".into(), &0.into()));
    // Three members besides: whole copies, any two of which may be lost.
    assert_eq!((&now["can_lose"], &now["can_lose_domains"]), (&2.into(), &2.into()));
    let chance = |view: &serde_json::Value| view["p_loss_year"].as_f64().unwrap();
    assert!(chance(&now) > 0.0 && chance(&now) < 0.1, "{now}");
    let waits = ["now", "1d", "7d", "14d"].map(|wait| now["p_restore"][wait].as_f64().unwrap());
    assert!(waits.is_sorted() && waits[0] > 0.9 && waits[3] <= 1.0, "{waits:?}");
    assert!(now["days_to_loss_weakest"].as_f64().unwrap() > 365.0, "{now}");
    let holders = now["inputs"]["holders"].as_array().unwrap();
    assert_eq!(holders.len(), 3);
    // Nobody was audited yet, and it is said.
    assert!(holders.iter().all(|one| one["availability"]["source"] == "assumed"), "{now}");
    assert_eq!(now["inputs"]["repair_days"]["source"], "assumed");

    let what_if = ["risk", "--without", "peer1", "--without-site", "attic", "--json"];
    let what_if = ada.expect(&what_if).unwrap();
    let cases = what_if["scenarios"].as_array().unwrap();
    let lose: Vec<u64> = cases.iter().map(|case| case["can_lose"].as_u64().unwrap()).collect();
    assert_eq!((lose, &what_if["can_lose"]), (vec![2, 1, 1, 0], &0.into()));
    assert_eq!(
        (&cases[0]["p_loss_year"], chance(&cases[1])),
        (&now["p_loss_year"], chance(&cases[2]))
    );
    assert!(chance(&cases[3]) > chance(&cases[2]) && chance(&what_if) >= chance(&cases[3]));
    assert_eq!(cases[3]["without"], serde_json::json!(["peer1", "site attic"]));
    let refused = ada.expect(&["risk", "--without", "nobody", "--json"]).unwrap_err().to_string();
    assert!(refused.contains("exit 2") && refused.contains("called nobody"), "{refused}");

    ada.expect(&["audit", "--json"]).unwrap();
    let measured = ada.expect(&["risk", "--json"]).unwrap();
    let holders = measured["inputs"]["holders"].as_array().unwrap();
    assert!(holders.iter().all(|one| one["availability"]["source"] == "measured"), "{measured}");
    assert!(holders.iter().all(|one| one["seen"].as_u64() >= Some(1)), "{measured}");
}
