//! What a reader relies on and the compiler does not check: the walls between rooms, sizes, a
//! purpose at the top of each file, no leftovers. All violations are reported at once.
//!
//! `cargo test --test it tidy` runs it. The walls between crates are also Cargo's; those between
//! the modules of `src/` and around third-party crates are only here, in the tables below. A
//! violation reads `src/flow/backup.rs:2: flow may not import store::shelf`.

use std::collections::BTreeSet;
use std::path::Path;

mod forgotten;
mod paths;
mod rules;
mod tests;
mod tokens;

use tokens::Token;

/// A source file: where it is (from the repository's root, with `/`) and what it says.
pub(crate) struct Source {
    path: String,
    text: String,
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// The room the file belongs to: a crate, or a module of the root package.
    fn room(&self) -> &str {
        let mut parts = self.path.split('/');
        match (parts.next(), parts.next()) {
            (Some("src"), Some(room)) => room.strip_suffix(".rs").unwrap_or(room),
            (Some(room), Some(_)) => room,
            _ => "",
        }
    }

    /// Whether it is compiled for tests only.
    fn is_test(&self) -> bool {
        let names = ["tests", "tests.rs", "testing.rs"];
        self.path.split('/').any(|part| names.contains(&part))
    }

    /// Whether it is in `home`: a module (`src/cli`), a crate (`p2p`) or a file (`src/main.rs`).
    fn is_in(&self, home: &str) -> bool {
        let rest = self.path.strip_prefix(home);
        rest.is_some_and(|rest| rest.is_empty() || rest == ".rs" || rest.starts_with('/'))
    }

    fn tokens(&self) -> Vec<Token<'_>> {
        tokens::of(&self.text)
    }
}

/// What a room may name: modules of this package, our crates, or single items of either.
struct Room {
    name: &'static str,
    may: &'static [&'static str],
    /// Exceptions to `may`.
    but_not: &'static [&'static str],
}

const fn room(name: &'static str, may: &'static [&'static str]) -> Room {
    Room { name, may, but_not: &[] }
}

/// The parts of p2p that only the composition root may name.
const REAL_AND_SIMULATED_NET: &[&str] =
    &["p2p::Swarm", "p2p::SwarmConfig", "p2p::knock", "p2p::swarm", "p2p::sim"];

/// Which room may import which. Test modules are free to put a world together.
const ROOMS: &[Room] = &[
    room("chunker", &[]),
    room("store", &["chunker"]),
    room("p2p", &["chunker"]),
    // Seams: small traits and plain views that others pass around.
    room("api", &["chunker"]),
    room("clock", &["p2p::Clock"]),
    room("entropy", &[]),
    room("monitor", &[]),
    room("offload", &[]),
    room("budget", &[]),
    room(
        "config",
        &[
            "chunker",
            "api",
            "p2p::rate",
            "placement::proximity",
            "store::DiskSpace",
            "store::Donation",
            "store::Terms",
            "store::write_file_durable",
        ],
    ),
    // Pure: formats and rules.
    room(
        "vault",
        &[
            "chunker",
            "placement",
            "p2p::PeerId",
            "p2p::PeerInfo",
            "p2p::cert",
            "p2p::head",
            "p2p::wire::HEAD_LIMIT",
        ],
    ),
    room("placement", &["chunker", "p2p::PeerId", "p2p::PeerInfo", "p2p::coords"]),
    room("care", &["chunker", "placement"]),
    room("simulate", &["chunker", "placement", "care"]),
    room("bench", &["chunker"]),
    room(
        "ward",
        &["chunker", "p2p::Mandate", "p2p::wire::BODY_LIMIT", "store::Wards", "store::WardsError"],
    ),
    room("contract", &["chunker", "p2p::PeerId", "p2p::PeerInfo"]),
    room("pool", &["chunker", "p2p::PeerId", "p2p::PeerInfo"]),
    // Of the store, the verbs see what is the owner's; what is other members' is the host's.
    Room {
        name: "flow",
        may: &[
            "chunker",
            "p2p",
            "store::Bulk",
            "store::Catalog",
            "store::CatalogError",
            "store::ChunkAt",
            "store::PackCache",
            "store::PackCounts",
            "store::PackRow",
            "store::PackState",
            "store::Spool",
            "store::SpoolError",
            "store::Wards",
            "store::WardsError",
            "ward",
            "vault",
            "placement",
            "care",
            "contract",
            "pool",
            "api",
            "budget",
            "clock",
            "entropy",
            "monitor",
            "offload",
        ],
        but_not: REAL_AND_SIMULATED_NET,
    },
    Room {
        name: "host",
        may: &[
            "chunker", "store", "p2p", "ward", "contract", "clock", "entropy", "monitor", "offload",
        ],
        but_not: REAL_AND_SIMULATED_NET,
    },
    room(
        "drive",
        &[
            "chunker",
            "vault",
            "flow",
            "p2p::Grid",
            "store::DataFile",
            "store::DbError",
            "store::DriveChanges",
            "store::DriveStore",
            "store::PackCache",
            "clock",
            "entropy",
            "monitor",
            "offload",
        ],
    ),
    room(
        "daemon",
        &[
            "chunker",
            "store",
            "p2p",
            "vault",
            "placement",
            "care",
            "ward",
            "contract",
            "pool",
            "flow",
            "host",
            "drive",
            "demo",
            "api",
            "budget",
            "clock",
            "config",
            "entropy",
            "monitor",
            "offload",
        ],
    ),
    room("demo", &["api", "entropy", "monitor"]),
    room("cli", &["api", "clock", "config", "daemon", "demo", "simulate", "bench"]),
    room("main", &["api", "cli", "daemon"]),
    room("lib", &[]),
];

/// Third-party crates and who may name them; everybody may name the others.
const WALLS: &[(&[&str], &[&str])] = &[
    (&["libp2p", "libp2p_stream", "libp2p_connection_limits"], &["p2p"]),
    (&["rusqlite", "libsqlite3_sys"], &["store"]),
    (&["bao", "fastcdc", "zstd", "reed_solomon_simd"], &["chunker"]),
    (&["argon2", "bip39"], &["src/vault"]),
    (&["axum", "hyper", "hyper_util", "http_body_util"], &["src/daemon"]),
    (&["clap", "clap_complete", "indicatif", "comfy_table", "dialoguer"], &["src/cli"]),
    (&["fuser", "dav_server"], &["src/drive"]),
];

/// Where stdout and stderr may be written to.
const PRINTERS: &[&str] = &["src/cli", "src/main.rs", "benches", "store/benches"];

#[test]
fn the_sources_are_tidy() {
    let sources = sources(Path::new(env!("CARGO_MANIFEST_DIR")));
    let all = violations(&sources);
    assert!(sources.len() > 50, "the walk found only {} files", sources.len());
    assert!(all.is_empty(), "{} violations:\n{}", all.len(), all.join("\n"));
}

/// Everything that is wrong, ordered by file.
fn violations(sources: &[Source]) -> Vec<String> {
    let mut all = Vec::new();
    for source in sources {
        let tokens = source.tokens();
        let paths = paths::of(&tokens);
        rules::text(source, &mut all);
        rules::comments(source, &tokens, &mut all);
        rules::code(source, &tokens, &mut all);
        rules::functions(source, &tokens, &mut all);
        rules::rooms(source, &paths, &mut all);
        rules::walls(source, &paths, &mut all);
    }
    all.extend(forgotten::files(sources));
    all
}

/// Every Rust file under `root`, found without git: a copy without a repository is checked as well.
fn sources(root: &Path) -> Vec<Source> {
    let mut found = BTreeSet::new();
    let mut dirs = vec![root.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            // Build output, whatever it is called, carries this tag.
            let skipped = name.starts_with('.') || path.join("CACHEDIR.TAG").exists();
            if path.is_dir() && !skipped && name != "target" {
                dirs.push(path);
            } else if path.extension().is_some_and(|ext| ext == "rs") {
                found.insert(path);
            }
        }
    }
    found.iter().map(|path| read(root, path)).collect()
}

fn read(root: &Path, path: &Path) -> Source {
    let text = std::fs::read_to_string(path).unwrap();
    let relative = path.strip_prefix(root).unwrap().components();
    let parts: Vec<_> = relative.map(|part| part.as_os_str().to_string_lossy()).collect();
    Source::new(&parts.join("/"), &text)
}
