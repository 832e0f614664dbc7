//! Codes are explained by name, by their end, and by exit code.

use super::*;
use crate::cli::commands::fake::{Fake, golden, ran};

#[test]
fn codes_are_explained() {
    let lines = [
        "gbak explain",
        "gbak explain gbak::placement::too_few_peers",
        "gbak explain 12",
        "gbak explain --json home::none",
        "gbak explain nonsense",
    ];
    golden("explain", &lines.map(|line| ran(&Fake::default(), line)));
}

#[test]
fn every_code_is_in_the_overview() {
    let shown = ran(&Fake::default(), "gbak explain").out;
    for code in codes::ALL {
        assert!(shown.contains(code.name), "{}", code.name);
    }
}
