//! A simulation as people and scripts see it.

use serde_json::Value;

use crate::cli::commands::fake::{Fake, Ran, ran};

const SMALL: &str = "gbak simulate --peers 60 --years 0.1 --data 1GiB --seed 7";

fn document(ran: &Ran) -> Value {
    assert_eq!(ran.exit, 0, "{ran:?}");
    serde_json::from_str(&ran.out).unwrap()
}

#[test]
fn a_simulation_is_one_document_and_its_seed_replays_it() {
    let once = document(&ran(&Fake::default(), &format!("{SMALL} --json")));
    let mut again = document(&ran(&Fake::default(), &format!("{SMALL} --json")));
    for timed in ["seconds", "peak_memory_bytes"] {
        again[timed] = once[timed].clone();
    }
    assert_eq!(once, again);
    let names = ["packs", "packs_lost", "uploads_bytes", "reads_bytes", "fill_spread_p95"];
    assert!(names.iter().all(|name| once[*name].is_number()), "{once}");
    assert_eq!(
        (&once["packs"], &once["packs_lost"], &once["seed"]),
        (&256.into(), &0.into(), &7.into())
    );
    assert!(once["lookups_per_refresh"].as_f64().unwrap() <= 1.0);
    assert!(once["seconds"].as_f64().unwrap() > 0.0);
}

#[test]
fn a_simulation_is_told_in_words_and_says_its_seed() {
    let told = ran(&Fake::default(), &format!("{SMALL} --redundancy 4+4 --sites 30 --outage 3h"));
    assert_eq!(told.exit, 0, "{told:?}");
    for part in ["lost      0 of 256 packs", "of 4+4", "times the least possible", "seed 7"] {
        assert!(told.out.contains(part), "{part}: {}", told.out);
    }
    assert!(told.err.contains("--seed 7"), "{}", told.err);
    let unseeded = ran(&Fake::default(), "gbak simulate --peers 10 --years 0 --data 1MiB");
    assert!(unseeded.err.starts_with("seed ") && !unseeded.err.starts_with("seed 7:"));
}

#[test]
fn a_picture_is_written_where_it_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.svg");
    let line = format!("{SMALL} --svg {}", path.display());
    assert_eq!(ran(&Fake::default(), &line).exit, 0);
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("<svg "));
    let nowhere = ran(&Fake::default(), &format!("{SMALL} --svg /nowhere/run.svg"));
    assert_eq!(nowhere.exit, 1);
    assert!(nowhere.err.contains("/nowhere/run.svg"), "{}", nowhere.err);
}

#[test]
fn what_makes_no_sense_is_refused() {
    for bad in ["--latency fast", "--spread 9ms..2ms"] {
        assert_eq!(ran(&Fake::default(), &format!("{SMALL} {bad}")).exit, 2, "{bad}");
    }
}
