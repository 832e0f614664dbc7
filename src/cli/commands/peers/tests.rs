//! The table of peers as people and scripts see it.

use super::*;
use crate::api::TotalsView;
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
        theirs_here_bytes: 0,
        path: "lan".to_owned(),
        audit: AuditView::default(),
        standing: "present".to_owned(),
        since: "2026-03-05T10:00:00Z".to_owned(),
    }
}

fn view(peers: Vec<PeerView>) -> PeersView {
    let totals = TotalsView {
        peers: peers.len() as u64 + 1,
        online: peers.iter().filter(|peer| peer.state == "online").count() as u64 + 1,
        donated_bytes: 4096 * GIB,
        used_bytes: 1000 * GIB,
        free_bytes: 3096 * GIB,
    };
    PeersView { schema: "gbak.peers/1".to_owned(), me: peer("ada", "online"), peers, totals }
}

fn three() -> PeersView {
    let far = PeerView { rtt_ms: Some(18.4), path: "direct".to_owned(), ..peer("mia", "online") };
    view(vec![peer("attic-nas", "online"), far, peer("kate\u{202e}cp\x1b[31m", "offline")])
}

#[test]
fn peers_are_a_table_or_one_document() {
    let show = |line| ran(&Fake::answering(Answer::Peers(three())), line);
    golden("peers", &[show("gbak peers"), show("gbak peers --json")]);
    let wide = show("gbak peers --wide");
    let one = show("gbak peers show mia");
    golden("peers-wide", &[wide, one, show("gbak peers show nobody")]);
    assert!(show("gbak peers show mia --json").out.starts_with("{\"peer_id\""));
    let several = show("gbak peers show 0a0a");
    assert_eq!(several.exit, 2, "{}", several.err);
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
