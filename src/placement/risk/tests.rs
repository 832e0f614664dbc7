//! Tests of risk: simple cases by hand, and that worse is never told as better.

use proptest::prelude::*;

use super::*;

const DAY: Duration = Duration::from_secs(86_400);

fn peer(number: u8) -> PeerId {
    PeerId::from_bytes([number; 32])
}

fn code(k: u8, m: u8) -> Code {
    Code::new(k, m).unwrap()
}

/// Twenty holders that answer nine times of ten, each of a member and in a domain of its own.
fn inputs() -> Inputs {
    let holder = |number| Holder {
        owner: OwnerId::from_bytes([number; 32]),
        site: None,
        domain: Domain::of_group(peer(number)),
        availability: 0.9,
        probation: false,
    };
    Inputs {
        holders: (0..20).map(|number| (peer(number), holder(number))).collect(),
        rate: odds::rate_of(0.1),
        repair: DAY * 10,
        absence: DAY,
    }
}

fn held(id: u8, code: Code, holders: &[u8]) -> Held {
    let shards = (0..).zip(holders).map(|(index, holder)| (index, peer(*holder))).collect();
    Held { id: PackId::from_bytes([id; 32]), code, shards }
}

fn now(packs: &[Held], inputs: &Inputs) -> Risk {
    assess(packs, inputs, &Without::default())
}

fn close(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-9 * one.abs().max(other.abs())
}

#[test]
fn one_pack_is_what_the_odds_say() {
    let inputs = inputs();
    let risk = now(&[held(1, code(2, 2), &[0, 1, 2, 3])], &inputs);
    let chances = odds::answering(&[0.9; 4]);
    assert!(close(risk.p_restore[0], odds::at_least(&chances, 2)));
    let lost = odds::lost_within(code(2, 2), 0, inputs.rate, inputs.repair, odds::YEAR);
    assert!(close(risk.p_loss_year, lost));
    assert_eq!((risk.packs, risk.lost, risk.sets), (1, 0, 1));
    assert_eq!((risk.can_lose, risk.can_lose_domains), (2, 2));
    assert_eq!(risk.time_to_loss, odds::unrepaired(4, 2, inputs.rate));
    assert_eq!(risk.weakest, Some(PackId::from_bytes([1; 32])));
}

#[test]
fn packs_with_the_same_holders_share_their_fate() {
    let inputs = inputs();
    let one = now(&[held(1, code(2, 2), &[0, 1, 2, 3])], &inputs);
    let same: Vec<Held> = (1..100).map(|id| held(id, code(2, 2), &[3, 1, 0, 2])).collect();
    let all = now(&same, &inputs);
    assert_eq!((all.sets, all.packs), (1, 99));
    assert!(close(all.p_loss_year, one.p_loss_year));
    // Other holders are another chance of loss.
    let two = [held(1, code(2, 2), &[0, 1, 2, 3]), held(2, code(2, 2), &[4, 5, 6, 7])];
    let two = now(&two, &inputs);
    assert!(close(two.p_loss_year, odds::any_of(one.p_loss_year, 2.0)));
    assert!(close(two.p_restore[0], one.p_restore[0].powi(2)));
}

#[test]
fn what_does_not_count_is_missing() {
    let mut inputs = inputs();
    inputs.holders.get_mut(&peer(3)).unwrap().probation = true;
    // A newcomer, a stranger and a second holder of a shard that is there.
    let mut pack = held(1, code(2, 3), &[0, 1, 2, 3, 99]);
    pack.shards.push((0, peer(7)));
    let risk = now(&[pack], &inputs);
    assert_eq!(risk.can_lose, 1);
    assert_eq!(risk.time_to_loss, odds::unrepaired(3, 2, inputs.rate));
}

#[test]
fn a_house_goes_down_as_one() {
    let mut inputs = inputs();
    for number in 0..3 {
        inputs.holders.get_mut(&peer(number)).unwrap().domain = Domain::of_group(peer(0));
    }
    let risk = now(&[held(1, code(2, 2), &[0, 1, 2, 3])], &inputs);
    // The house is up, or else only the fourth is.
    assert!(close(risk.p_restore[0], 0.9));
    assert_eq!((risk.can_lose, risk.can_lose_domains), (2, 0));
    assert_eq!(risk.worst_domain, Some((Domain::of_group(peer(0)), 1)));
    let house = odds::within(inputs.rate, odds::YEAR);
    assert!(risk.p_loss_year > house * 0.9, "the house alone can take it along");
}

#[test]
fn a_lost_pack_is_lost() {
    let risk = now(&[held(1, code(3, 2), &[0, 1]), held(2, code(1, 1), &[0, 1])], &inputs());
    assert_eq!((risk.lost, risk.can_lose), (1, 0));
    assert!(risk.p_loss_year >= 1.0 && risk.p_restore.iter().all(|chance| *chance <= 0.0));
    assert_eq!(risk.time_to_loss, Some(Duration::ZERO));
    assert_eq!(risk.weakest, Some(PackId::from_bytes([1; 32])));
}

#[test]
fn nothing_to_lose_is_no_risk() {
    let risk = now(&[], &inputs());
    assert!(risk.p_loss_year <= 0.0 && risk.p_restore.iter().all(|chance| *chance >= 1.0));
    assert_eq!((risk.weakest, risk.worst_domain, risk.can_lose), (None, None, 0));
}

#[test]
fn what_if_somebody_were_gone() {
    let mut inputs = inputs();
    inputs.holders.get_mut(&peer(1)).unwrap().site = Some("home".into());
    let packs = [held(1, code(2, 2), &[0, 1, 2, 3])];
    let without = [
        Without { peers: [peer(1)].into(), ..Without::default() },
        Without { owners: [OwnerId::from_bytes([1; 32])].into(), ..Without::default() },
        Without { sites: ["home".into()].into(), ..Without::default() },
        Without { domains: [Domain::of_group(peer(1))].into(), ..Without::default() },
    ];
    let expected = assess(&packs, &inputs, &without[0]);
    assert_eq!(expected.can_lose, 1);
    for without in without {
        assert_eq!(assess(&packs, &inputs, &without), expected, "{without:?}");
    }
}

#[test]
fn without_a_crowded_house_nothing_is_safer() {
    let mut inputs = inputs();
    inputs.rate = odds::rate_of(0.3);
    for number in [0, 1] {
        let home = inputs.holders.get_mut(&peer(number)).unwrap();
        (home.domain, home.site) = (Domain::of_group(peer(0)), Some("home".into()));
    }
    let packs = [held(1, code(1, 3), &[0, 1, 2, 3])];
    let home = Without { sites: ["home".into()].into(), ..Without::default() };
    let (all, fewer) = (now(&packs, &inputs), assess(&packs, &inputs, &home));
    assert!(fewer.p_loss_year > all.p_loss_year, "{fewer:?} {all:?}");
}

#[test]
fn tiny_chances_do_not_vanish() {
    let mut inputs = inputs();
    inputs.rate = odds::rate_of(0.01);
    inputs.repair = DAY;
    let risk = now(&[held(1, code(4, 8), &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])], &inputs);
    assert!(risk.p_loss_year > 0.0 && risk.p_loss_year < 1e-20, "{}", risk.p_loss_year);
}

fn any_packs() -> impl Strategy<Value = Vec<Held>> {
    let pack = (1_u8..4, 0_u8..4, prop::collection::btree_set(0_u8..20, 1..8));
    prop::collection::vec(pack, 1..6).prop_map(|packs| {
        let packs = (0..).zip(packs);
        packs
            .map(|(id, (k, m, holders))| {
                let holders: Vec<u8> = holders.into_iter().take(usize::from(k + m)).collect();
                held(id, code(k, m), &holders)
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn whoever_is_missing_makes_nothing_better(
        packs in any_packs(),
        gone in prop::collection::btree_set(0_u8..20, 0..5),
        houses in prop::option::of(prop::collection::vec(0_u8..6, 20)),
    ) {
        let mut inputs = inputs();
        for (number, house) in (0..).zip(houses.iter().flatten()) {
            inputs.holders.get_mut(&peer(number)).unwrap().domain = Domain::of_group(peer(*house));
        }
        let all = now(&packs, &inputs);
        let peers = gone.into_iter().map(peer).collect();
        let fewer = assess(&packs, &inputs, &Without { peers, ..Without::default() });
        prop_assert!(fewer.p_loss_year >= all.p_loss_year * (1.0 - 1e-9));
        for (fewer, all) in fewer.p_restore.iter().zip(all.p_restore) {
            prop_assert!(*fewer <= all + 1e-12);
            prop_assert!((0.0..=1.0).contains(fewer));
        }
        prop_assert!(all.p_restore.is_sorted(), "who waits longer restores more");
        prop_assert!(fewer.can_lose <= all.can_lose && fewer.lost >= all.lost);
        prop_assert!(fewer.time_to_loss <= all.time_to_loss);
        prop_assert!(all.can_lose_domains <= all.can_lose);
    }

    #[test]
    fn what_can_be_lost_can_be_lost(
        packs in any_packs(), gone in prop::collection::vec(0_u8..20, 20),
    ) {
        let inputs = inputs();
        let all = now(&packs, &inputs);
        let peers: BTreeSet<PeerId> = gone.into_iter().take(all.can_lose).map(peer).collect();
        let fewer = assess(&packs, &inputs, &Without { peers, ..Without::default() });
        prop_assert!(all.lost > 0 || fewer.lost == 0);
    }
}
