//! The demonstration tells its steps and fails when a byte differs.

use super::*;
use crate::cli::commands::fake::{Fake, golden, ran};

fn fake(differences: &[&str]) -> Fake {
    let fake = Fake::default();
    fake.0.borrow_mut().demo = Some(DemoView {
        schema: "gbak.demo/1".to_owned(),
        peers: 5,
        killed: 3,
        entries: 412,
        bytes: 12_345_678,
        identical: differences.is_empty(),
        differences: differences.iter().map(|difference| (*difference).to_owned()).collect(),
        seconds: 12.3,
    });
    fake
}

#[test]
fn the_demonstration_tells_its_steps() {
    golden(
        "demo",
        &[
            ran(&fake(&[]), "gbak demo"),
            ran(&fake(&[]), "gbak demo --json"),
            ran(&fake(&["a/b: mode 0644, was 0600"]), "gbak demo /srv"),
        ],
    );
}

#[test]
fn its_tree_is_an_absolute_path() {
    let fake = fake(&[]);
    ran(&fake, "gbak demo sub/dir");
    let dir = fake.0.borrow().demos[0].dir.clone().unwrap();
    assert!(dir.0.starts_with(b"/") && dir.0.ends_with(b"/sub/dir"));
}
