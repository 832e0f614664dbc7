//! The table of peers as people and scripts see it.

use unicode_width::UnicodeWidthStr;

use super::*;
use crate::api::{AuditView, PingView, StatedView, TotalsView};
use crate::cli::commands::fake::{Fake, golden, ran};

const GIB: u64 = 1 << 30;

fn peer(name: &str, state: &str) -> PeerView {
    PeerView {
        peer_id: "0a".repeat(32),
        name: name.to_owned(),
        owner_id: "0b".repeat(32),
        state: state.to_owned(),
        rtt_ms: Some(0.62),
        site: Some("attic".to_owned()),
        total_bytes: 2048 * GIB,
        reserved_bytes: 1024 * GIB,
        donated_bytes: 1024 * GIB,
        used_bytes: 412 * GIB,
        free_bytes: 612 * GIB,
        mine_here_bytes: 31 * GIB,
        stated: None,
        theirs_here_bytes: 0,
        path: "lan".to_owned(),
        audit: AuditView::default(),
        standing: "present".to_owned(),
        away_until: None,
        last_seen: None,
        since: "2026-03-05T10:00:00Z".to_owned(),
    }
}

fn said(bytes: u64, compared: &str) -> StatedView {
    StatedView {
        shards: bytes / GIB,
        bytes,
        left_shards: u64::from(compared == "more"),
        left_bytes: 3 * GIB,
        mine_shards: 31,
        mine_bytes: 31 * GIB,
        compared: compared.to_owned(),
        at: "2026-07-31T10:00:00Z".to_owned(),
        heard: "2026-07-31T10:00:00Z".to_owned(),
        statement: "a1".to_owned(),
    }
}

fn view(peers: Vec<PeerView>) -> PeersView {
    let totals = TotalsView {
        peers: peers.len() as u64 + 1,
        online: peers.iter().filter(|peer| peer.state == "online").count() as u64 + 1,
        donated_bytes: 4096 * GIB,
        used_bytes: 1000 * GIB,
        free_bytes: 3096 * GIB,
        ..TotalsView::default()
    };
    let (schema, me) = ("gbak.peers/1".to_owned(), peer("ada", "online"));
    PeersView { schema, me, peers, totals, can_lose: Some(2) }
}

fn three() -> PeersView {
    let far = PeerView { rtt_ms: Some(18.4), path: "direct".to_owned(), ..peer("mia", "online") };
    let near = PeerView { stated: Some(said(31 * GIB, "same")), ..peer("attic-nas", "online") };
    let far = PeerView { stated: Some(said(33 * GIB, "more")), ..far };
    let gone = peer("kate\u{202e}cp\x1b[31m", "offline");
    view(vec![near, far, PeerView { stated: Some(said(12 * GIB, "less")), ..gone }])
}

/// What CLI.md shows.
fn as_promised() -> PeersView {
    let audit = |proved, failed| AuditView { proved, failed, window_days: 30 };
    let row = |name: &str, state: &str, mine: u64, theirs: u64| PeerView {
        mine_here_bytes: mine * GIB,
        theirs_here_bytes: theirs * GIB,
        ..peer(name, state)
    };
    let attic = PeerView { audit: audit(240, 0), ..row("attic-nas", "online", 31, 0) };
    let mia = PeerView {
        path: "direct".to_owned(),
        rtt_ms: Some(18.4),
        donated_bytes: 100 * GIB,
        free_bytes: 44 * GIB,
        audit: audit(233, 7),
        ..row("mia-laptop", "online", 29, 55)
    };
    let otto = PeerView {
        away_until: Some("2026-08-03T10:00:00Z".to_owned()),
        donated_bytes: 200 * GIB,
        audit: audit(180, 0),
        ..row("otto", "away", 30, 12)
    };
    let far = PeerView {
        name: "otto-in-the-mountains-for-long".to_owned(),
        away_until: Some("2026-09-03T10:00:00Z".to_owned()),
        ..otto.clone()
    };
    let kate = PeerView {
        last_seen: Some("2026-07-29T09:00:00Z".to_owned()),
        donated_bytes: 150 * GIB,
        audit: audit(171, 27),
        ..row("kate-pc", "offline", 28, 40)
    };
    let never = PeerView { audit: AuditView::default(), ..row("new", "offline", 0, 0) };
    view(vec![attic, mia, otto, far, kate, never])
}

fn widest(shown: &str) -> usize {
    shown.lines().map(UnicodeWidthStr::width).max().unwrap()
}

#[test]
fn peers_are_a_table_or_one_document() {
    let show = |line| ran(&Fake::answering(Answer::Peers(three())), line);
    golden("peers", &[show("gbak peers"), show("gbak peers --json")]);
    let wide = show("gbak peers --wide");
    let [one, two] = ["gbak peers show attic-nas", "gbak peers show mia"].map(show);
    let less = ran(&Fake::answering(Answer::Peers(three())), "gbak peers show 0a0a");
    golden("peers-wide", &[wide, one, two, show("gbak peers show nobody")]);
    assert!(show("gbak peers show mia --json").out.starts_with("{\"peer_id\""));
    assert_eq!(less.exit, 2, "several: {}", less.err);
}

#[test]
fn the_narrow_table_says_until_when_and_since_when_in_a_hundred_columns() {
    let shown = ran(&Fake::answering(Answer::Peers(as_promised())), "gbak peers");
    assert!(widest(&shown.out) <= table::NARROW, "{}", shown.out);
    golden("peers-narrow", &[shown]);
}

#[test]
fn whatever_names_and_figures_there_are_the_narrow_table_stays_narrow() {
    let worst = |name: &str, state: &str| PeerView {
        rtt_ms: Some(9999.4),
        donated_bytes: 1_023 * GIB,
        free_bytes: 1_023 * GIB,
        mine_here_bytes: 1_023 * GIB,
        theirs_here_bytes: 1_023 * GIB,
        audit: AuditView { proved: 99_000, failed: 999, window_days: 30 },
        last_seen: Some("2023-01-01T00:00:00Z".to_owned()),
        away_until: Some("2026-12-24T00:00:00Z".to_owned()),
        path: "direct".to_owned(),
        ..peer(name, state)
    };
    let names = ["n".repeat(64), "名".repeat(21), "\u{202e}".repeat(21), "e\u{301}".repeat(20)];
    let rows = names.iter().zip(["online", "away", "offline", "online"]);
    let peers = view(rows.map(|(name, state)| worst(name, state)).collect());
    let shown = ran(&Fake::answering(Answer::Peers(peers)), "gbak peers").out;
    assert!(widest(&shown) <= table::NARROW && shown.contains('…'), "{shown}");
}

#[test]
fn a_ping_says_how_fast_or_that_nobody_answers() {
    let view = |rtts: &[f64]| PingView {
        schema: "gbak.ping/1".to_owned(),
        peer_id: "0a".repeat(32),
        name: "mia".to_owned(),
        path: "direct".to_owned(),
        asked: 3,
        rtts_ms: rtts.to_vec(),
        exit: if rtts.is_empty() { 21 } else { 0 },
    };
    let show = |line, rtts| ran(&Fake::answering(Answer::Ping(view(rtts))), line);
    golden(
        "peers-ping",
        &[
            show("gbak peers ping mia", &[18.2, 21.9]),
            show("gbak peers ping mia --json", &[18.2, 21.9]),
            show("gbak peers ping mia", &[]),
        ],
    );
}

#[test]
fn audits_have_a_column_once_there_are_any() {
    let mut view = three();
    view.peers[0].audit = AuditView { proved: 240, failed: 0, window_days: 30 };
    view.peers[1].audit = AuditView { proved: 171, failed: 27, window_days: 30 };
    let shown = ran(&Fake::answering(Answer::Peers(view)), "gbak peers").out;
    assert!(shown.contains("240/240") && shown.contains("171/198 !"), "{shown}");
    let unknown = ran(&Fake::answering(Answer::Peers(three())), "gbak peers").out;
    assert!(!unknown.contains("AUDIT"), "{unknown}");
}

#[test]
fn a_holder_that_signs_for_less_than_our_records_is_marked() {
    let row = |name: &str| {
        let shown = ran(&Fake::answering(Answer::Peers(three())), "gbak peers --wide").out;
        shown.lines().find(|line| line.starts_with(name)).unwrap().to_owned()
    };
    assert!(row("kate").contains("12.0 GiB !"), "{}", row("kate"));
    assert!(row("mia").contains("33.0 GiB +"), "{}", row("mia"));
    assert!(!row("attic").contains(['!', '+']), "{}", row("attic"));
    let mut one = three();
    one.peers.truncate(1);
    one.peers[0].stated = Some(said(12 * GIB, "less"));
    let card = ran(&Fake::answering(Answer::Peers(one)), "gbak peers show attic-nas").out;
    assert!(card.contains("less than our records: 31.0 GiB in 31 shards"), "{card}");
}

#[test]
fn what_an_absent_peer_has_free_is_not_claimed() {
    let gone = view(vec![peer("kate", "offline")]);
    let shown = ran(&Fake::answering(Answer::Peers(gone)), "gbak peers").out;
    assert!(!shown.contains("612") && !shown.contains("lan"), "{shown}");
}

#[test]
fn a_lone_founder_is_told_how_to_invite() {
    let shown = ran(&Fake::answering(Answer::Peers(view(Vec::new()))), "gbak peers").out;
    assert!(shown.starts_with("No other machine in this grid yet: gbak invite"), "{shown}");
}
