//! What pruning says.

use super::*;
use crate::api::WitnessView;
use crate::cli::commands::fake::{Fake, golden, ran};

fn view(dry_run: bool) -> PruneView {
    PruneView {
        schema: "gbak.prune/1".to_owned(),
        dry_run,
        packs: 120,
        bytes: 1_900_000_000,
        packs_unused: 7,
        packs_repacked: 2,
        dropped_bytes: 140_000_000,
        copied_bytes: 4_000_000,
        packs_new: u64::from(!dry_run),
        unneeded_bytes: 30_000_000,
        packs_adopted: 1,
        packs_forgotten: 3,
        witnesses: WitnessView { asked: 5, confirmed: 5 },
        holders_told: 4,
        holders_missed: 1,
        shards_given_back: 42,
    }
}

#[test]
fn what_was_given_up_and_what_is_left_is_said() {
    let shown = |dry_run, line: &str| ran(&Fake::answering(Answer::Prune(view(dry_run))), line);
    golden(
        "prune",
        &[
            shown(true, "gbak prune --dry-run"),
            shown(false, "gbak prune"),
            shown(false, "gbak prune --json"),
        ],
    );
}

#[test]
fn what_is_asked_for_arrives() {
    let fake = Fake::answering(Answer::Prune(view(true)));
    ran(&fake, "gbak prune --max-unused 12% --keep-delete 2d -n --wait-peers 3s");
    let state = fake.0.borrow();
    let Call::Prune(args) = &state.calls[0] else { panic!("another call") };
    let said = (args.max_unused, args.keep_delete_secs, args.dry_run, args.wait_peers_secs);
    assert_eq!(said, (Some(0.12), Some(2 * 24 * 3600), true, Some(3)));
}
