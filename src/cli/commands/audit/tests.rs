//! An audit as people and scripts see it.

use super::*;
use crate::api::AuditSummary;
use crate::cli::commands::fake::{Fake, golden, ran};

fn view(verdicts: &[(u8, &str)], exit: u8) -> Fake {
    let names = [Some("attic-nas"), Some("mia\u{1b}[2J"), None];
    let verdict = |(no, (peer, verdict)): (usize, &(u8, &str))| VerdictView {
        peer_id: format!("{peer:02x}").repeat(32),
        name: names[usize::from(*peer)].map(str::to_owned),
        shard_id: format!("{no:02x}").repeat(32),
        verdict: (*verdict).to_owned(),
    };
    let count = |what: &str| verdicts.iter().filter(|(_, verdict)| *verdict == what).count() as u64;
    let summary = AuditSummary {
        holders: 3,
        proved: count("proved"),
        wrong: count("wrong"),
        refused: count("refused"),
        unreachable: count("unreachable"),
        slow: count("slow"),
        packs_lost: u64::from(exit == 6),
    };
    let verdicts = verdicts.iter().enumerate().map(verdict).collect();
    let schema = "gbak.audit/1".to_owned();
    Fake::answering(Answer::Audit(AuditRunView { schema, verdicts, summary, exit }))
}

#[test]
fn an_audit_is_a_table_or_one_document() {
    let fine = [(0, "proved"), (0, "proved"), (1, "proved"), (2, "unreachable")];
    let bad = [(0, "proved"), (1, "wrong"), (1, "refused"), (2, "slow")];
    golden(
        "audit",
        &[
            ran(&view(&fine, 0), "gbak audit"),
            ran(&view(&bad, 5), "gbak audit"),
            ran(&view(&bad, 6), "gbak audit attic-nas"),
            ran(&view(&[(0, "unreachable")], 21), "gbak audit"),
            ran(&view(&[], 0), "gbak audit"),
            ran(&view(&bad, 5), "gbak audit --json"),
        ],
    );
}

#[test]
fn whom_to_ask_is_passed_on() {
    let fake = view(&[], 0);
    ran(&fake, "gbak audit attic-nas --wait-peers 1m");
    let state = fake.0.borrow();
    let Call::Audit(args) = &state.calls[0] else { panic!("{:?}", state.calls) };
    assert_eq!((args.peer.as_deref(), args.wait_peers_secs), (Some("attic-nas"), Some(60)));
}

#[test]
fn what_audits_found_so_far_is_shown_and_all_of_it_as_json() {
    let day = |proved, wrong| EvidenceDay { proved, wrong, ..EvidenceDay::default() };
    let failure = |no: u8| crate::api::EvidenceFailure {
        time: format!("2026-11-2{no}T10:00:00Z"),
        shard_id: format!("{no}").repeat(64),
        verdict: "wrong".to_owned(),
    };
    let bad = HolderEvidence {
        peer_id: "ab".repeat(32),
        name: Some("nas".to_owned()),
        standing: "suspect".to_owned(),
        correctness: Some(0.975),
        presence: Some(0.5),
        days: vec![day(100, 1), day(95, 4)],
        failures: (1..=5).map(failure).collect(),
    };
    let new = HolderEvidence {
        peer_id: "cd".repeat(32),
        standing: "present".to_owned(),
        ..HolderEvidence::default()
    };
    let fake = |holders| {
        let schema = "gbak.evidence/1".to_owned();
        Fake::answering(Answer::Evidence(EvidenceView { schema, window_days: 30, holders }))
    };
    golden(
        "audit-history",
        &[
            ran(&fake(vec![bad.clone(), new.clone()]), "gbak audit --history"),
            ran(&fake(vec![]), "gbak audit --history nas"),
            ran(&fake(vec![bad]), "gbak audit --history nas --json"),
        ],
    );
}
