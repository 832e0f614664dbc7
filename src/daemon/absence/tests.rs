//! What is announced is kept; what cannot be read announces nothing.

use super::*;
use crate::daemon::roster::tests::members;

#[test]
fn an_absence_outlives_a_restart_and_damage_ends_it() {
    let dir = tempfile::tempdir().unwrap();
    let before = members(1, Vec::new());
    announce(dir.path(), &before, 77).unwrap();
    assert_eq!(before.offer().away_until_secs, 77);
    let after = members(1, Vec::new());
    resume(dir.path(), &after);
    assert_eq!(after.offer().away_until_secs, 77);
    announce(dir.path(), &after, 0).unwrap();
    let back = members(1, Vec::new());
    resume(dir.path(), &back);
    assert_eq!(back.offer().away_until_secs, 0);
    std::fs::write(file(dir.path()), b"damage").unwrap();
    resume(dir.path(), &back);
    assert_eq!(back.offer().away_until_secs, 0);
}
