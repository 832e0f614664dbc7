//! The rules against files that break them, and against files that only seem to.

use super::rules::is_code;
use super::{Source, violations};

/// What is wrong with one file of this text, which gets a purpose and a place in the tree of
/// modules.
fn wrong_with(path: &str, text: &str) -> Vec<String> {
    let mut sources = vec![Source::new(path, &format!("//! Purpose.\n{text}"))];
    let (dir, file) = path.rsplit_once('/').unwrap();
    if !["lib.rs", "main.rs"].contains(&file) {
        let name = file.trim_end_matches(".rs");
        let root = if path.starts_with("tests/it/") { "tests/it/main.rs" } else { "src/lib.rs" };
        let parents = dir.split('/').skip(root.split('/').count() - 1).chain([name]);
        let mut place = root.rsplit_once('/').unwrap().0.to_owned();
        let mut declarer = root.to_owned();
        for module in parents {
            if declarer != path {
                let text = format!("//! Purpose.\nmod {module};\n");
                sources.push(Source::new(&declarer, &text));
            }
            place = format!("{place}/{module}");
            declarer = format!("{place}.rs");
        }
    }
    violations(&sources)
}

fn assert_tidy(path: &str, text: &str) {
    assert_eq!(wrong_with(path, text), Vec::<String>::new(), "{text}");
}

fn assert_wrong(path: &str, text: &str, what: &str) {
    let found = wrong_with(path, text);
    assert!(found.len() == 1 && found[0].contains(what), "{text}\n{found:?}\nexpected: {what}");
}

#[test]
fn a_wall_is_named_with_file_and_line() {
    let found = wrong_with("src/flow/backup.rs", "use store::shelf::Damage;\n");
    assert_eq!(found, ["src/flow/backup.rs:2: flow may not import store::shelf::Damage"]);
}

#[test]
fn every_way_to_name_a_foreign_room_is_seen() {
    for text in [
        "use crate::host;",
        "use crate::host::Host;",
        "use crate::{monitor::Monitor, host::{self, Host}};",
        "fn f() { let x = crate::host::new(); }",
        "fn f(x: Vec<crate::host::Host>) {}",
        "use super::super::host::Host;",
        "use store::{Catalog, Shelf};",
        "#[derive(Error)] enum E { A(#[from] store::ShelfError) }",
        "use p2p::{Grid, swarm::Swarm};",
        "use p2p::sim::{SimNet as Net};",
    ] {
        let found = wrong_with("src/flow/backup.rs", text);
        assert!(!found.is_empty() && found.iter().all(|f| f.contains("may not import")), "{text}");
    }
    assert_wrong("src/flow.rs", "use super::host::Host;", "flow may not import host::Host");
    assert_wrong("src/main.rs", "fn main() { gbak::flow::run() }", "main may not import flow::run");
    assert_wrong("src/vault.rs", "use p2p::Grid;", "vault may not import p2p::Grid");
    assert_wrong("src/flow.rs", "use crate::vault::*;", "name what is used");
    assert_wrong("src/extra.rs", "", "room extra is not in the table");
}

#[test]
fn what_a_room_may_import_is_fine() {
    assert_tidy(
        "src/flow.rs",
        "use crate::vault::{tree::Node, Vault};\nuse store::{Catalog, Spool};",
    );
    assert_tidy(
        "src/flow/backup.rs",
        "use super::{Ctx, FlowError};\nuse super::super::vault::Vault;",
    );
    assert_tidy("src/flow.rs", "mod inner { use super::host; }");
    assert_tidy("src/flow/tests.rs", "use crate::host::Host;\nuse p2p::sim::SimNet;");
    assert_tidy("src/vault.rs", "/// See [`crate::host::Host`].\nconst A: &str = \"crate::host\";");
    assert_tidy("src/flow.rs", "fn f(store: Store) { store.host(); self.store::<u8>(); }");
}

#[test]
fn third_party_crates_stay_in_their_rooms() {
    assert_wrong("src/flow.rs", "use libp2p::Swarm;", "libp2p may only be named in p2p");
    assert_wrong("src/vault.rs", "use rusqlite::Connection;", "only be named in store");
    assert_wrong("src/daemon.rs", "#[derive(clap::Parser)] struct A;", "named in src/cli");
    assert_wrong("src/cli.rs", "use axum::Router;", "named in src/daemon");
    assert_tidy("src/cli/args.rs", "use clap::Parser;\nfn f() { println!(\"\"); }");
    assert_tidy("src/daemon/control.rs", "use axum::Router;");
}

#[test]
fn only_the_command_line_prints() {
    for text in ["println!(\"\")", "eprint!(\"\")", "std::io::stdout()", "io::stderr().lock()"] {
        let text = format!("fn f() {{ {text}; }}");
        assert_wrong("src/flow.rs", &text, "only src/cli prints");
        assert_tidy("src/main.rs", &text);
        assert_tidy("src/flow/tests.rs", &text);
    }
    assert_wrong("src/flow.rs", "use std::io::{self, stdout};", "only src/cli prints");
    assert_tidy("src/flow.rs", "fn f(c: Command) { c.stdout(Stdio::piped()); }");
}

#[test]
fn leftovers_are_found() {
    let unfinished = concat!("TO", "DO");
    assert_wrong("src/flow.rs", &format!("// {unfinished}: later\n"), unfinished);
    assert_wrong("src/flow.rs", &format!("/// {unfinished}\nfn f() {{}}"), unfinished);
    assert_wrong("src/flow.rs", concat!("fn f() { to", "do!() }"), "unwritten code");
    assert_wrong("src/flow.rs", concat!("#[test]\n#[ign", "ore]\nfn f() {}"), "does not run");
    assert_wrong("src/flow.rs", concat!("#[ign", "ore = \"slow\"]\nfn f() {}"), "does not run");
    assert_wrong("src/flow.rs", "#![allow(dead_code, reason = \"x\")]", "use #[expect");
    assert_tidy("src/flow/tests.rs", "#![allow(dead_code, reason = \"x\")]");
    assert_wrong("src/flow/tests.rs", "#![allow(dead_code)]", "without a reason");
    assert_wrong("src/flow.rs", "#[expect(dead_code)]\nfn f() {}", "without a reason");
    assert_tidy("src/flow.rs", "#[expect(dead_code, reason = \"x\")]\nfn f() {}");
    assert_wrong("src/flow.rs", "// let x = f();\n", "code kept as a comment");
    assert_tidy("src/flow.rs", concat!("const A: &str = \"FIX", "ME // let x = 1;\";"));
}

#[test]
fn prose_is_not_taken_for_code() {
    for text in [
        "let x = 1;",
        "use a::b;",
        "self.run();",
        "dbg!(x);",
        "if x {",
        "} else if f(x) {",
        "}",
        "x = y;",
        "#[test]",
        "foo(a, b);",
        "});",
    ] {
        assert!(is_code(text), "{text}");
    }
    for text in [
        "the old one stays;",
        "a file (see above);",
        "for the reader of f(x)",
        "",
        "so it goes.",
        "{a, b}",
        "use the other one",
        "let the caller decide",
        "in [brackets]",
    ] {
        assert!(!is_code(text), "{text}");
    }
}

#[test]
fn tests_do_not_sleep() {
    for text in ["use tokio::time::{sleep, Instant};", "fn f() { std::thread::sleep(d) }"] {
        assert_wrong("src/flow/tests.rs", text, "does not sleep");
        assert_wrong("tests/it/net.rs", text, "does not sleep");
    }
    assert_tidy("src/flow.rs", "async fn f() { tokio::time::sleep(d).await }");
}

#[test]
fn selects_are_biased() {
    assert_wrong("src/flow.rs", "fn f() { tokio::select! { x = y => {} } }", "not biased");
    assert_tidy("src/flow.rs", "fn f() { tokio::select! { biased; x = y => {} } }");
}

#[test]
fn sizes_are_bounded() {
    assert_wrong("src/flow.rs", &"\n".repeat(600), "the file has 601 lines");
    let wide = format!("// {}", "ä".repeat(98));
    assert_wrong("src/flow.rs", &wide, "the line has 101 characters");
    assert_tidy("src/flow.rs", &format!("// {}", "ä".repeat(97)));
    let body = "    x();\n".repeat(69);
    let long = format!("const A: [u8; 2] = [0; 2];\nfn long(a: [u8; 2]) {{\n{body}}}\n");
    assert_wrong("src/flow.rs", &long, "fn long has 71 lines");
    let body = "    x();\n".repeat(68);
    assert_tidy("src/flow.rs", &format!("trait T {{ fn a(&self); }}\nfn f() {{\n{body}}}\n"));
}

#[test]
fn a_file_says_what_it_is_for_and_is_declared() {
    let no_purpose = [Source::new("src/main.rs", "fn main() {}")];
    assert!(violations(&no_purpose)[0].starts_with("src/main.rs:1: the file does not begin"));
    let sources = [
        Source::new("tests/it/main.rs", "//! Tests.\nmod a;\n"),
        Source::new("tests/it/a.rs", "//! A.\nmod b;\n"),
        Source::new("tests/it/a/b.rs", "//! B.\n"),
        Source::new("tests/it/b.rs", "//! Not this one.\n"),
        Source::new("store/src/lib.rs", "//! Store.\n// mod c\n"),
        Source::new("store/src/c.rs", "//! C.\n"),
    ];
    let forgotten = ["store/src/c.rs", "tests/it/b.rs"]
        .map(|path| format!("{path}:1: no `mod` declares this file"));
    assert_eq!(violations(&sources), forgotten);
}

#[test]
fn strings_and_characters_do_not_confuse_the_reader() {
    let text = r##"
        const A: &str = "\" crate::host::X {";
        const B: &str = r#" " crate::host::X "#;
        const C: [char; 4] = ['"', '\'', '{', '\u{7b}'];
        const D: &[u8] = b"\\";
        fn f<'a>(x: &'a str) -> &'a str { x } /* { /* crate::host::X */ { */
        fn g() {}
    "##;
    assert_tidy("src/flow.rs", text);
    assert_wrong("src/flow.rs", &format!("{text}\nuse crate::host::X;"), "host::X");
}
