//! The table of peers against what each machine says of itself, after a real backup.

use std::collections::BTreeMap;

use gbak::demo::agents::Agent;
use serde_json::Value;

use super::leaving::source;
use super::rig::{Rig, backup, online};

fn json(agent: &Agent, args: &[&str]) -> Value {
    agent.expect(&[args, &["--json"]].concat()).unwrap()
}

fn number(value: &Value, field: &str) -> u64 {
    value[field].as_u64().ok_or((field, value)).unwrap()
}

fn sum<'a>(values: impl IntoIterator<Item = &'a Value>, field: &str) -> u64 {
    values.into_iter().map(|value| number(value, field)).sum()
}

/// A table's column, and what the machine itself calls it.
const FIGURES: [(&str, &str); 5] = [
    ("total_bytes", "total_bytes"),
    ("reserved_bytes", "reserved_bytes"),
    ("donated_bytes", "donated_bytes"),
    ("used_bytes", "used_bytes"),
    ("free_bytes", "available_bytes"),
];

/// What this table has otherwise than the machines themselves. Free space of one disk changes under
/// all of them all the time: it counts as equal within a share of the disk.
fn differences(table: &Value, own: &BTreeMap<String, Value>) -> Vec<String> {
    let rows = table["peers"].as_array().unwrap().iter().chain([&table["self"]]);
    let mut found = Vec::new();
    for row in rows {
        let disks = own[row["name"].as_str().unwrap()]["disks"].as_array().unwrap();
        for (column, field) in FIGURES {
            let (shown, said) = (number(row, column), sum(disks, field));
            let exact = ["total_bytes", "donated_bytes", "used_bytes"].contains(&column);
            let slack = if exact { 0 } else { sum(disks, "total_bytes") / 100 };
            if shown.abs_diff(said) > slack {
                found.push(format!("{}: {column} {shown}, itself {said}", row["name"]));
            }
        }
    }
    found
}

#[test]
fn every_row_and_every_sum_is_what_the_machines_say_of_themselves() {
    let rig = Rig::new(5);
    let owner = &rig.agents[0];
    online(owner, 4);
    let tree = source(&rig, "tree", 6);
    backup(owner, &tree);
    let own: BTreeMap<String, Value> = rig
        .agents
        .iter()
        .map(|agent| (agent.name().to_owned(), json(agent, &["donate"])))
        .collect();
    // Offers come with the next ping.
    let mut table = Value::Null;
    let mut same = |_: &u32| {
        table = json(owner, &["peers"]);
        differences(&table, &own).is_empty()
    };
    assert!((0..2_000).any(|n| same(&n)), "{:?}", differences(&table, &own));
    let rows: Vec<&Value> = table["peers"].as_array().unwrap().iter().collect();
    let all: Vec<&Value> = rows.iter().copied().chain([&table["self"]]).collect();
    assert_eq!((rows.len(), number(&table["totals"], "peers")), (4, 5));
    for (column, _) in FIGURES {
        assert_eq!(number(&table["totals"], column), sum(all.iter().copied(), column), "{column}");
    }
    let me = table["self"]["peer_id"].as_str().unwrap();
    let mut mine = 0;
    for row in &rows {
        let holder = rig.agents.iter().find(|agent| row["name"] == agent.name());
        let theirs = json(holder.unwrap(), &["peers"]);
        let seen = theirs["peers"].as_array().unwrap().iter().find(|peer| peer["peer_id"] == me);
        // What the owner records, what the holder signs, and what the holder itself shows.
        let here = number(row, "mine_here_bytes");
        let word = [&row["stated"]["bytes"], &row["stated"]["mine_bytes"]];
        assert!(here > 0 && word.iter().all(|bytes| **bytes == here), "{row}");
        assert_eq!(row["stated"]["compared"], "same", "{row}");
        assert_eq!(number(seen.unwrap(), "theirs_here_bytes"), here);
        assert_eq!(number(row, "used_bytes"), here, "nobody else has stored anything");
        mine += here;
    }
    assert_eq!(number(&table["totals"], "mine_here_bytes"), mine);
    // The text is of the same figures.
    let wide = owner.command(&["peers", "--wide"]).output().unwrap();
    let wide = String::from_utf8(wide.stdout).unwrap();
    assert!(wide.lines().any(|line| line.starts_with("SUM")) && !wide.contains('!'), "{wide}");
}
