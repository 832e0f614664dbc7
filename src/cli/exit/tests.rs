//! The table of codes is complete, and failures read as CLI.md says.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::*;

#[test]
fn every_code_is_explained_once() {
    for code in codes::ALL {
        let found: Vec<_> = TABLE.iter().filter(|entry| entry.code == *code).collect();
        assert_eq!(found.len(), 1, "{}", code.name);
        let entry = found[0];
        assert!(!entry.what.is_empty() && !entry.data.is_empty() && !entry.gbak.is_empty());
        assert!(!entry.you.is_empty(), "{} leaves the reader nothing to do", code.name);
    }
    assert_eq!(TABLE.len(), codes::ALL.len(), "no entry without a code");
    assert_eq!(TABLE[0].code, codes::INTERNAL);
}

#[test]
fn codes_have_one_name_and_a_documented_exit() {
    let exits = [1, 2, 3, 4, 5, 6, 10, 11, 12, 20, 21, 22, 23, 24, 25, 30, 31, 130, 143];
    let names: BTreeSet<&str> = codes::ALL.iter().map(|code| code.name).collect();
    assert_eq!(names.len(), codes::ALL.len());
    for code in codes::ALL {
        assert!(code.name.starts_with("gbak::"), "{}", code.name);
        assert!(exits.contains(&code.exit), "{} {}", code.name, code.exit);
    }
}

#[test]
fn explanations_are_in_one_manner() {
    for entry in TABLE {
        let name = entry.code.name;
        assert!(!entry.what.ends_with('.') && !entry.data.ends_with('.'), "{name}");
        assert!(
            entry.what.starts_with(char::is_uppercase) || entry.what.starts_with("gbak"),
            "{name}"
        );
        assert!(!entry.data.starts_with(char::is_uppercase), "{name}");
        for line in [entry.what, entry.data, entry.gbak] {
            assert!(line.chars().count() <= 90, "{name}: too long for a line: {line}");
        }
    }
}

/// Files of the root package, tests left out.
fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in dir.read_dir().unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
}

#[test]
fn no_source_makes_up_a_code_of_its_own() {
    let mut found = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    for path in found {
        let text = std::fs::read_to_string(&path).unwrap();
        for literal in text.split('"').filter(|part| part.starts_with("gbak::")) {
            // The other literals of this form are targets of log events and prefixes of names.
            let code = literal.matches("::").count() == 2 && !literal.starts_with("gbak::event::");
            let known = codes::ALL.iter().any(|code| code.name == literal);
            assert!(!code || known, "{}: {literal}", path.display());
        }
    }
}

#[test]
fn a_failure_has_five_parts_in_order() {
    let text = as_text("error", &codes::NO_PEERS.failure("No peer can be reached"));
    let heads: Vec<&str> = text.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let order = ["error:", "data", "gbak", "you"];
    assert_eq!(heads[..4], order);
    assert!(text.ends_with("code    gbak::grid::no_peers      exit 21"), "{text}");
}

#[test]
fn commands_of_a_failure_get_their_purpose_from_the_table() {
    let help = vec!["gbak init".to_owned(), "gbak peers --all".to_owned()];
    let text = as_text("error", &Failure { help, ..codes::NO_HOME.failure("No home") });
    assert!(text.contains("  you     gbak init           set this machine up\n"), "{text}");
    assert!(text.contains("          gbak peers --all\n"), "{text}");
}

#[test]
fn names_in_failures_cannot_act_on_the_terminal() {
    let text = as_text("error", &codes::REFUSED.failure("bob\u{1b}[2J refused"));
    assert!(text.contains(r"bob\u{1b}[2J refused"), "{text}");
}

#[test]
fn a_failure_never_exits_with_success() {
    let odd = Failure { exit: 0, ..codes::INTERNAL.failure("?") };
    assert_eq!(code_of(&odd), 1);
    assert!(as_json(&odd).contains(r#""exit":1"#));
}

#[test]
fn a_code_of_a_newer_agent_is_still_told() {
    let failure =
        Failure { code: "gbak::moon::phase".to_owned(), ..codes::BUSY.failure("Full moon") };
    let text = as_text("error", &failure);
    assert!(text.starts_with("error: Full moon") && text.contains("gbak::moon::phase"), "{text}");
    assert!(text.ends_with("exit 11"), "{text}");
}

#[test]
fn json_names_commands_that_help() {
    let read: serde_json::Value =
        serde_json::from_str(&as_json(&codes::NO_HOME.failure("No home"))).unwrap();
    assert_eq!(read["message_type"], "exit_error");
    assert_eq!((&read["code"], &read["exit"]), (&"gbak::home::none".into(), &10.into()));
    assert_eq!(read["help"], serde_json::json!(["gbak init", "gbak recover"]));
}
