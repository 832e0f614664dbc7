//! The screen of state, and the exit code monitoring goes by.

use super::*;
use crate::api::{DonationView, HeadView, PacksView, ProofView};
use crate::cli::commands::fake::{Fake, golden, ran};

const GIB: u64 = 1 << 30;

fn view(level: &str, reasons: &[&str]) -> StatusView {
    StatusView {
        schema: "gbak.status/1".to_owned(),
        level: level.to_owned(),
        reasons: reasons.iter().map(|reason| (*reason).to_owned()).collect(),
        name: "ada-desktop".to_owned(),
        peer_id: "0a".repeat(32),
        listen: vec!["/ip4/192.168.1.5/tcp/4711/p2p/12D3".to_owned()],
        agent: true,
        peers_online: 9,
        peers_known: 12,
        packs: PacksView { total: 688, full: 688, ..PacksView::default() },
        min_live_above_k: Some(4),
        can_lose: Some(4),
        days_to_loss: Some(1234.5),
        domains: Some(12),
        can_lose_domains: Some(4),
        notes: Vec::new(),
        last_backup: Some("2026-08-01T09:48:00Z".to_owned()),
        last_drill: None,
        proof: None,
        head: Some(HeadView { seq: 12, fingerprint: "3f9c11aa".to_owned() }),
        donation: DonationView {
            total_bytes: 1000 * GIB,
            reserved_bytes: 800 * GIB,
            donated_bytes: 200 * GIB,
            used_bytes: 107 * GIB,
            free_bytes: 93 * GIB,
        },
    }
}

fn fake(view: StatusView) -> Fake {
    Fake::answering(Answer::Status(view))
}

#[test]
fn status_is_one_screen_or_one_document() {
    let risky = StatusView {
        packs: PacksView {
            total: 9,
            full: 2,
            degraded: 3,
            at_risk: 2,
            lost: 1,
            out_of_reach: 1,
            queued: 1,
        },
        agent: false,
        can_lose: None,
        last_backup: None,
        head: None,
        ..view("critical", &["1 pack cannot be had now", "3 peers are away"])
    };
    let proof =
        ProofView { files: 20, bytes: 212 << 20, identical: 20, full_restore_seconds: 7801.0 };
    let partly = ProofView { identical: 17, ..proof.clone() };
    let drilled = |proof| StatusView {
        last_drill: Some("2026-07-28T10:00:00Z".to_owned()),
        proof: Some(proof),
        ..view("ok", &[])
    };
    golden(
        "status",
        &[
            ran(&fake(view("ok", &[])), "gbak status"),
            ran(&fake(view("ok", &[])), "gbak status --json"),
            ran(&fake(risky), "gbak status"),
            ran(&fake(drilled(proof)), "gbak status"),
            ran(&fake(drilled(partly)), "gbak status"),
        ],
    );
}

#[test]
fn the_exit_code_follows_the_level() {
    for (level, exit) in [("ok", 0), ("warning", 30), ("critical", 31), ("of the future", 30)] {
        assert_eq!(ran(&fake(view(level, &[])), "gbak status").exit, exit, "{level}");
        assert_eq!(ran(&fake(view(level, &[])), "gbak -q status").exit, exit, "{level}");
    }
}

#[test]
fn an_old_backup_is_critical_when_an_age_is_given() {
    let fine = ran(&fake(view("ok", &[])), "gbak status --max-age 1h");
    assert_eq!(fine.exit, 0);
    let stale = ran(&fake(view("ok", &[])), "gbak status --max-age 5m");
    assert_eq!(stale.exit, 31);
    assert!(stale.out.starts_with("CRITICAL  The last backup is 12 min old"), "{}", stale.out);
    let none = StatusView { last_backup: None, ..view("ok", &[]) };
    assert_eq!(ran(&fake(none), "gbak status --max-age 5m").exit, 31);
}

#[test]
fn waiting_for_the_agent_is_about_the_agent_only() {
    let fake = fake(view("warning", &["Nothing is backed up yet"]));
    let silent = ran(&fake, "gbak status --wait-ready 30s");
    assert_eq!(silent.exit, 20);
    assert!(fake.0.borrow().calls.is_empty(), "no engine was started while the agent is awaited");
    fake.0.borrow_mut().agent = true;
    assert_eq!(ran(&fake, "gbak status --wait-ready 30s").exit, 0);
}
