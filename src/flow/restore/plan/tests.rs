//! What a plan takes, and that its paths are the tree's.

use super::*;
use crate::vault::tree::{Meta, Stamp};

fn node(name: &str, kind: Kind) -> Node {
    let meta =
        Meta { mode: 0o755, mtime: Stamp { secs: 0, nanos: 0 }, links: 1, ..Meta::default() };
    Node { name: name.into(), kind, meta }
}

fn dir(name: &str) -> Node {
    node(name, Kind::Dir { tree: Vec::new() })
}

fn fifo(name: &str) -> Node {
    node(name, Kind::Fifo)
}

fn planner(filter: &Filter) -> Planner<'_> {
    Planner::new(At::Dir { tree: Vec::new(), prefix: Vec::new() }, filter)
}

fn paths(planned: &Planned) -> (Vec<String>, Vec<String>) {
    let text = |spot| String::from_utf8(shown(&planned.dirs.rel(spot))).unwrap();
    let dirs = planned.dirs.0.iter().map(|(spot, _)| text(spot)).collect();
    (dirs, planned.others.iter().map(|(spot, _)| text(spot)).collect())
}

#[test]
fn every_entry_has_the_path_it_had_in_the_tree() {
    let filter = Filter::new(&[], &[]).unwrap();
    let mut planner = planner(&filter);
    for (path, node) in [
        ("/a", dir("a")),
        ("/a/b", dir("b")),
        ("/a/b/1", fifo("1")),
        ("/a/c", dir("c")),
        ("/a/c/2", fifo("2")),
        ("/d", dir("d")),
        ("/e", fifo("e")),
    ] {
        assert!(planner.visit(path.as_bytes(), node));
    }
    let (dirs, others) = paths(&planner.planned);
    assert_eq!(dirs, ["a", "a/b", "a/c", "d"]);
    assert_eq!(others, ["a/b/1", "a/c/2", "e"]);
}

#[test]
fn only_directories_on_the_way_to_what_is_wanted_are_made_and_each_once() {
    let filter = Filter::new(&["2".to_owned()], &[]).unwrap();
    let mut planner = planner(&filter);
    for (path, node) in [
        ("/a", dir("a")),
        ("/a/1", fifo("1")),
        ("/a/b", dir("b")),
        ("/a/b/2", fifo("2")),
        ("/a/c", dir("c")),
        ("/a/c/2", fifo("2")),
    ] {
        planner.visit(path.as_bytes(), node);
    }
    let (dirs, others) = paths(&planner.planned);
    assert_eq!(dirs, ["a", "a/b", "a/c"]);
    assert_eq!(others, ["a/b/2", "a/c/2"]);
}

#[test]
fn a_deep_tree_takes_memory_by_its_entries_not_by_its_paths() {
    let filter = Filter::new(&["none".to_owned()], &[]).unwrap();
    let mut planner = planner(&filter);
    let name = "d".repeat(255);
    for _ in 0..10_000 {
        planner.above.push((name.clone().into_bytes(), dir(&name).meta, None));
    }
    planner.note_above();
    let dirs = &planner.planned.dirs;
    assert_eq!(dirs.len(), 10_000);
    let kept: usize = dirs.0.iter().map(|(spot, _)| spot.name.len()).sum();
    assert_eq!(kept, 10_000 * 255);
    let (last, _) = dirs.0.last().unwrap();
    assert_eq!(dirs.rel(last).len(), 10_000);
}
