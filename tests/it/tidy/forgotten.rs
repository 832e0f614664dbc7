//! Files that no `mod` declares: the compiler does not see them, so nothing in them is true.

use std::collections::{BTreeMap, BTreeSet};

use super::Source;
use super::tokens::{Kind, Token};

/// Reports every file that cannot be reached from the root of a crate or of a test binary.
pub(crate) fn files(sources: &[Source]) -> Vec<String> {
    let by_path: BTreeMap<_, _> = sources.iter().map(|one| (one.path.as_str(), one)).collect();
    let mut reached: BTreeSet<String> = BTreeSet::new();
    let mut next: Vec<String> =
        by_path.keys().filter(|path| is_root(path)).map(|path| (*path).to_owned()).collect();
    while let Some(path) = next.pop() {
        let Some(source) = by_path.get(path.as_str()) else { continue };
        for name in declared(&source.tokens()) {
            next.extend(places(&path, &name).filter(|place| !reached.contains(place)));
        }
        reached.insert(path);
    }
    let forgotten = by_path.keys().filter(|path| !reached.contains(**path));
    forgotten.map(|path| format!("{path}:1: no `mod` declares this file")).collect()
}

/// The files Cargo starts from.
fn is_root(path: &str) -> bool {
    let parts: Vec<_> = path.split('/').collect();
    let tail = match parts.as_slice() {
        ["chunker" | "store" | "p2p", tail @ ..] => tail,
        all => all,
    };
    matches!(
        tail,
        ["build.rs"]
            | ["src", "lib.rs" | "main.rs"]
            | ["tests" | "benches" | "examples", _]
            | ["tests" | "benches" | "examples", _, "main.rs"]
    )
}

/// The modules that a file keeps in other files: `mod name;`, within inline modules too.
fn declared(tokens: &[Token<'_>]) -> Vec<String> {
    let code: Vec<_> = tokens.iter().filter(|token| token.kind != Kind::Comment).collect();
    let modules = code.windows(3).filter(|three| three[0].is("mod") && three[2].is(";"));
    modules.map(|three| three[1].text.to_owned()).collect()
}

/// Where the module `name` of the file at `path` may be.
fn places(path: &str, name: &str) -> impl Iterator<Item = String> {
    let (dir, file) = path.rsplit_once('/').unwrap_or(("", path));
    let own = match file {
        "lib.rs" | "main.rs" | "mod.rs" => dir.to_owned(),
        // The root of a test binary of one file looks beside itself.
        _ if is_root(path) => dir.to_owned(),
        _ => format!("{dir}/{}", file.trim_end_matches(".rs")),
    };
    [format!("{own}/{name}.rs"), format!("{own}/{name}/mod.rs")].into_iter()
}
