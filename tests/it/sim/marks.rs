//! Tags and pins, and times that no clock of the source can forge, simulated.

use std::sync::Arc;
use std::time::Duration;

use chunker::SnapshotId;
use gbak::clock::Clock;
use gbak::flow::forget::{ForgetPlan, ForgetReport, forget};
use gbak::flow::marks::{Change, mark};
use gbak::flow::recover::recover;
use gbak::flow::{FlowError, look};
use gbak::vault::retention::{Reason, Rules};
use p2p::sim::Weather;

use super::stories::{grid, source};
use super::world::{Node, World};

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn listed(node: &Node) -> Vec<(SnapshotId, Vec<String>, bool)> {
    let all = look::snapshots(&node.ctx).unwrap().into_iter();
    all.map(|one| (one.id, one.snapshot.tags, one.pinned)).collect()
}

async fn say(node: &Node, snapshot: SnapshotId, change: Change) -> Result<usize, FlowError> {
    let spec = snapshot.to_string().parse().unwrap();
    Ok(mark(&node.ctx, &[spec], &change).await?.changed)
}

async fn apply(node: &Node, rules: Rules) -> Result<ForgetReport, FlowError> {
    forget(&node.ctx, &ForgetPlan { rules, ..ForgetPlan::default() }).await
}

#[tokio::test(start_paused = true)]
async fn tags_and_pins_are_kept_by_rules_and_come_back_with_the_words() {
    let world = World::new(97, Weather::calm());
    let (ada, others) = grid(&world, 4).await;
    let source = source(&world);
    for _ in 0..4 {
        ada.backup_with(&source, |plan| plan.tags = words(&["daily"])).await.unwrap();
        tokio::time::advance(Duration::from_secs(60)).await;
    }
    let ids: Vec<_> = listed(&ada).iter().map(|(id, ..)| *id).collect();
    let tags =
        |add: &[&str], remove: &[&str]| Change::Tags { add: words(add), remove: words(remove) };
    assert_eq!(say(&ada, ids[0], tags(&["tax", "tax"], &["daily"])).await.unwrap(), 1);
    assert_eq!(say(&ada, ids[0], tags(&["tax"], &[])).await.unwrap(), 0, "said already");
    assert_eq!(say(&ada, ids[1], Change::Pin(true)).await.unwrap(), 1);
    assert_eq!(say(&ada, ids[2], Change::SetTags(words(&["x", "y"]))).await.unwrap(), 1);
    assert_eq!(say(&ada, ids[2], Change::SetTags(words(&["daily"]))).await.unwrap(), 1, "as made");
    for bad in [words(&["a,b"]), words(&[""]), vec!["x".repeat(200)]] {
        let refused = say(&ada, ids[0], Change::SetTags(bad)).await;
        assert!(matches!(refused, Err(FlowError::BadTag { .. })), "{refused:?}");
    }
    let many = (0..100).map(|no| no.to_string()).collect();
    let refused = say(&ada, ids[0], Change::SetTags(many)).await;
    assert!(matches!(refused, Err(FlowError::TooManyTags { .. })), "{refused:?}");
    let rules = Rules { last: 1, tags: vec![words(&["tax"])], ..Rules::default() };
    let report = apply(&ada, rules).await.unwrap();
    let forgotten: Vec<_> = report.groups.iter().flat_map(|group| &group.forgotten).collect();
    assert_eq!(forgotten, [&ids[2]]);
    let why = |id| report.groups.iter().flat_map(|group| &group.kept).find(|kept| kept.0 == id);
    assert!(why(ids[1]).unwrap().1.contains(&Reason::Pinned));
    // Not even by name.
    let named = vec![ids[1].to_string().parse().unwrap()];
    let refused = forget(&ada.ctx, &ForgetPlan { named, ..ForgetPlan::default() }).await;
    assert!(matches!(refused, Err(FlowError::Pinned { .. })), "{refused:?}");
    let new = world.node(1, 2);
    let all: Vec<&Node> = others.iter().chain([&new, &ada]).collect();
    world.meet(&all).await;
    recover(&new.ctx).await.unwrap();
    assert_eq!(listed(&new), listed(&ada));
    assert_eq!(listed(&new)[0].1, words(&["tax"]));
    let others_own = say(&new, ids[0], Change::Pin(true)).await;
    assert!(matches!(others_own, Err(FlowError::OthersSnapshot { .. })), "{others_own:?}");
    // What is taken back is taken back everywhere.
    say(&ada, ids[1], Change::Pin(false)).await.unwrap();
    recover(&new.ctx).await.unwrap();
    assert!(listed(&new).iter().all(|(.., pinned)| !pinned));
}

#[tokio::test(start_paused = true)]
async fn a_drives_commits_are_its_own_whatever_they_are_tagged() {
    let world = World::new(99, Weather::calm());
    let (ada, _others) = grid(&world, 4).await;
    let source = source(&world);
    ada.backup_with(&source, |plan| plan.tags = words(&["drive:work"])).await.unwrap();
    let id = listed(&ada)[0].0;
    say(&ada, id, Change::SetTags(words(&["drive:other"]))).await.unwrap();
    let of = |name: &str| gbak::drive::disk::commits(&ada.ctx, name).unwrap().len();
    assert_eq!((of("work"), of("other")), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_clock_set_ahead_or_back_ages_no_snapshot() {
    let world = World::new(98, Weather::calm());
    let (mut ada, _others) = grid(&world, 4).await;
    let source = source(&world);
    let mut honest = Vec::new();
    let day = 24 * 3600_i64;
    for _ in 0..3 {
        ada.backup(&source).await.unwrap();
        honest.push(listed(&ada).last().unwrap().0);
        tokio::time::advance(Duration::from_secs(86_400)).await;
    }
    // Whoever has the machine sets its clock to years ahead, day after day, and then far back.
    for shift in [4000 * day, 4001 * day, 4002 * day, -3000 * day] {
        let before: Vec<_> = listed(&ada).iter().map(|(id, ..)| *id).collect();
        let honest = Arc::clone(&ada.ctx.clock);
        ada.ctx.clock = Arc::new(Shifted(Arc::clone(&honest), shift));
        ada.backup(&source).await.unwrap();
        ada.ctx.clock = honest;
        assert_eq!(listed(&ada).len(), before.len() + 1);
    }
    let report = apply(&ada, Rules { daily: 4, ..Rules::default() }).await.unwrap();
    let kept: Vec<_> =
        report.groups.iter().flat_map(|group| &group.kept).map(|kept| kept.0).collect();
    assert!(honest.iter().all(|id| kept.contains(id)), "{report:?}");
    assert_eq!(kept.len(), 4, "the forged ones are all of one day");
}

/// A clock that somebody moved.
struct Shifted(Arc<dyn Clock>, i64);

impl Clock for Shifted {
    fn now_secs(&self) -> u64 {
        self.0.now_secs().saturating_add_signed(self.1)
    }
}
