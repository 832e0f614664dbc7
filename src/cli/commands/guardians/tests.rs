//! Guardians as people and scripts see them.

use super::*;
use crate::api::{GuardianView, WardView};
use crate::cli::commands::fake::{Fake, golden, ran};

fn view() -> GuardiansView {
    let guardian = GuardianView {
        peer_id: "ab".repeat(32),
        name: Some("attic\u{1b}-nas".to_owned()),
        since: "2026-05-01T10:00:00Z".to_owned(),
        entrusted: "2026-08-01T04:00:00Z".to_owned(),
        packs: 688,
    };
    let ward = WardView {
        owner_id: "cd".repeat(32),
        expires: Some("2027-09-01T10:00:00Z".to_owned()),
        owner_seen: Some("2026-07-20T10:00:00Z".to_owned()),
        last_round: None,
        shards_moved: 1,
    };
    GuardiansView {
        schema: "gbak.guardians/1".to_owned(),
        guardians: vec![guardian],
        wards: vec![ward],
        told: None,
    }
}

#[test]
fn guardians_are_listed_appointed_and_dismissed() {
    let fake = |view| Fake::answering(Answer::Guardians(view));
    let gone =
        GuardiansView { guardians: Vec::new(), wards: Vec::new(), told: Some((4, 5)), ..view() };
    golden(
        "guardians",
        &[
            ran(&fake(view()), "gbak guardians"),
            ran(&fake(view()), "gbak guardians ls --json"),
            ran(&fake(gone), "gbak guardians remove attic-nas"),
        ],
    );
    let adding = fake(view());
    ran(&adding, "gbak guardians add attic-nas");
    let calls = &adding.0.borrow().calls;
    assert!(matches!(&calls[0], Call::Guardians(GuardiansArgs::Add(name)) if name == "attic-nas"));
}
