//! Placement as people and scripts see it.

use super::*;
use crate::api::PlacedShardView;
use crate::cli::commands::fake::{Fake, golden, ran};

fn fake() -> Fake {
    let shard = |index: u8, name: Option<&str>, state: &str| PlacedShardView {
        index,
        shard_id: format!("{index:02x}").repeat(32),
        peer_id: name.map(|_| "ab".repeat(32)),
        name: name.map(str::to_owned),
        distance_ms: name.map(|_| 0.64),
        domain: name.map(|_| "cd".repeat(32)),
        state: state.to_owned(),
    };
    let shards = vec![
        shard(0, Some("attic-nas"), "online"),
        shard(1, Some("mia\u{1b}[2J"), "offline"),
        shard(2, None, "queued"),
    ];
    let pack = PlacedPackView { pack_id: "5c2cdf87".repeat(8), k: 2, m: 1, lane: 3, shards };
    let schema = "gbak.placement/1".to_owned();
    Fake::answering(Answer::Placement(PlacementView { schema, packs: vec![pack] }))
}

#[test]
fn placement_is_a_table_or_one_document() {
    let lines = ["gbak placement latest", "gbak placement --json /home/ada"];
    golden("placement", &lines.map(|line| ran(&fake(), line)));
}

#[test]
fn what_is_meant_is_passed_on_as_typed() {
    let fake = fake();
    ran(&fake, "gbak placement 5c2cdf87:/home");
    let state = fake.0.borrow();
    let Call::Placement(args) = &state.calls[0] else { panic!("{:?}", state.calls) };
    assert_eq!(args.what.0, b"5c2cdf87:/home");
}
