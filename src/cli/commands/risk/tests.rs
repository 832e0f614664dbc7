//! Risk as people and scripts see it.

use super::*;
use crate::api::{FigureView, HolderView, RestoreOddsView, WorstDomainView};
use crate::cli::commands::fake::{Fake, golden, ran};

fn outlook(loss: f64, can_lose: u64) -> OutlookView {
    OutlookView {
        packs: 12,
        packs_lost: 0,
        p_loss_year: loss,
        p_loss_year_unrepaired: (loss * 5_000.0).min(1.0),
        p_restore: RestoreOddsView { now: 0.942_08, day: 0.995, week: 0.999_98, fortnight: 1.0 },
        days_to_loss_weakest: Some(1_000.5),
        weakest_pack: Some("5c2cdf87".repeat(8)),
        can_lose,
        can_lose_domains: can_lose.min(1),
        worst_domain: Some(WorstDomainView {
            holders: vec![HolderView { peer_id: "ab".repeat(32), name: Some("nas".to_owned()) }],
            packs_lost: u64::from(can_lose == 0) * 3,
        }),
    }
}

fn case(without: &[&str], gone: u64, outlook: OutlookView) -> ScenarioView {
    let without = without.iter().map(|name| (*name).to_owned()).collect();
    ScenarioView { without, holders_gone: gone, outlook }
}

fn holder(name: &str, looks: u64) -> HolderRiskView {
    let source = if looks > 0 { "measured" } else { "assumed" };
    HolderRiskView {
        peer_id: "ab".repeat(32),
        name: name.to_owned(),
        domain: "ab".repeat(32),
        availability: FigureView { value: 0.8, source: source.to_owned() },
        seen: looks / 2,
        looks,
        ..HolderRiskView::default()
    }
}

fn fake(scenarios: Vec<ScenarioView>, holders: Vec<HolderRiskView>, left_out: u64) -> Fake {
    let assumed = |value| FigureView { value, source: "assumed".to_owned() };
    let inputs = RiskInputsView {
        holders,
        strangers: left_out,
        packs_queued: left_out,
        departures_per_year: assumed(0.3),
        repair_days: assumed(17.0),
        absence_days: assumed(1.0),
        window_days: 30,
    };
    let outlook = scenarios.last().unwrap().outlook.clone();
    let schema = "gbak.risk/1".to_owned();
    Fake::answering(Answer::Risk(RiskView { schema, outlook, scenarios, inputs }))
}

#[test]
fn risk_is_told_in_words_and_what_ifs_stand_side_by_side() {
    let as_it_is = || case(&[], 0, outlook(3.4e-5, 2));
    let what_ifs = || {
        vec![
            as_it_is(),
            case(&["alice\u{1b}[2J"], 1, outlook(0.004, 1)),
            case(&["site home"], 2, outlook(0.23, 0)),
            case(&["alice", "site home"], 3, outlook(1.0, 0)),
        ]
    };
    let holders = || vec![holder("alice", 120), holder("nas", 0), holder("bob\u{202e}", 0)];
    let what_if = "gbak risk --without alice --without-site home";
    golden(
        "risk",
        &[
            ran(&fake(vec![as_it_is()], holders(), 0), "gbak risk"),
            ran(&fake(what_ifs(), holders(), 1), what_if),
            ran(&fake(vec![case(&[], 0, OutlookView::default())], Vec::new(), 0), "gbak risk"),
            ran(&fake(vec![as_it_is()], holders(), 0), "gbak risk --json"),
        ],
    );
}

#[test]
fn whom_to_imagine_gone_is_passed_on() {
    let fake = fake(vec![case(&[], 0, outlook(0.1, 1))], Vec::new(), 0);
    ran(&fake, "gbak risk --without alice --without bob --without-site home");
    let state = fake.0.borrow();
    let Call::Risk(args) = &state.calls[0] else { panic!("{:?}", state.calls) };
    assert_eq!(
        (&args.without[..], &args.without_sites[..]),
        (&["alice".to_owned(), "bob".to_owned()][..], &["home".to_owned()][..],)
    );
}

#[test]
fn chances_are_words_and_never_better_than_they_are() {
    let chances = [0.0, 1e-12, 3.4e-5, 0.01, 0.099, 0.1, 0.23, 0.999_4, 1.0].map(chance);
    let expected = [
        "none",
        "below 1 in a billion",
        "1 in 29,000",
        "1 in 100",
        "1 in 10",
        "10 %",
        "23 %",
        "99.94 %",
        "100 %",
    ];
    assert_eq!(chances, expected);
    let shares = [0.0, 0.004, 0.5, 0.9, 0.942, 0.999, 0.999_98, 0.999_999_9, 1.0].map(share);
    let expected =
        ["0.0 %", "0.4 %", "50 %", "90 %", "94 %", "99.9 %", "99.998 %", "> 99.9999 %", "100 %"];
    assert_eq!(shares, expected);
    assert_eq!([None, Some(0.5), Some(400.0)].map(lasts), ["-", "12 h", "1.1 years"]);
}
