//! From one commit to the next: what keeps its number, what gets another one, what stays.

use std::collections::BTreeMap;

use chunker::ChunkId;
use proptest::prelude::*;

use super::*;
use crate::drive::volume::node::{Base, Data};
use crate::vault::tree::{Content, Piece, Stamp};

fn inode(ino: Ino, kind: Type, body: Body) -> Inode {
    let at = Stamp { secs: 0, nanos: 0 };
    let attr = Attr {
        ino,
        kind,
        size: 1,
        allocated: 0,
        mode: 0o644,
        links: 1,
        uid: 0,
        gid: 0,
        rdev: 0,
        atime: at,
        mtime: at,
        ctime: at,
    };
    Inode { attr, xattrs: BTreeMap::new(), body }
}

/// A file whose bytes are told apart by a number.
fn file(ino: Ino, bytes: u8) -> Inode {
    let piece = Piece { len: 1, chunk: Some(ChunkId::from_bytes([bytes; 32])) };
    let content = Content::Inline(vec![piece]);
    let base = Base { content, size: 1, allocated: 1, commit: 0, of: 0 };
    inode(ino, Type::File, Body::File(Data { base: Some(base), ..Data::default() }))
}

fn dir(ino: Ino, parent: Ino, entries: &[(&str, Ino)]) -> Inode {
    let entries = entries.iter().map(|(name, ino)| (name.as_bytes().to_vec(), *ino)).collect();
    inode(ino, Type::Dir, Body::Dir(Dir { parent, entries }))
}

fn find(tree: &Tree, path: &str) -> Result<Ino, Errno> {
    let mut names = path.split('/');
    names.try_fold(ROOT, |at, name| Ok(tree.lookup(at, name.as_bytes())?.ino))
}

#[test]
fn what_is_the_same_keeps_its_number_and_changed_bytes_get_another() {
    let mut tree = Tree::default();
    let root = |entries: &[(&str, Ino)]| dir(ROOT, ROOT, entries);
    tree.show(vec![
        root(&[("d", 10), ("a", 11), ("b", 12)]),
        dir(10, ROOT, &[("c", 13)]),
        file(11, 1),
        file(12, 2),
        file(13, 3),
    ]);
    let before: Vec<Ino> = ["d", "a", "b", "d/c"].map(|path| find(&tree, path).unwrap()).into();
    tree.remember(before[1]);
    // a has other bytes, b another name, and c is gone.
    let moved = vec![
        root(&[("d", 10), ("a", 11), ("e", 12)]),
        dir(10, ROOT, &[]),
        file(11, 9),
        file(12, 2),
    ];
    tree.show(moved);
    assert_eq!(find(&tree, "d"), Ok(before[0]));
    assert_ne!(find(&tree, "a").unwrap(), before[1]);
    assert_eq!(find(&tree, "e"), Ok(before[2]));
    assert_eq!((find(&tree, "b"), find(&tree, "d/c")), (Err(Errno::NOENT), Err(Errno::NOENT)));
    assert_eq!(tree.list(ROOT).unwrap().len(), 5);
    // Whoever has the old bytes open reads them until the kernel forgets them.
    let Body::File(open) = &tree.get(before[1]).unwrap().body else { panic!("no file") };
    let Content::Inline(pieces) = &open.base.as_ref().unwrap().content else { panic!("listed") };
    assert_eq!(pieces[0].chunk, Some(ChunkId::from_bytes([1; 32])));
    tree.forget(before[1], 1);
    assert_eq!(tree.get(before[1]).unwrap_err(), Errno::NOENT);
    assert_eq!((tree.stored(), tree.len()), (2, 4));
}

/// Files by their numbers, and their bytes.
fn commit() -> impl Strategy<Value = BTreeMap<Ino, u8>> {
    prop::collection::btree_map(2_u64..12, 0_u8..4, 0..9)
}

proptest! {
    #[test]
    fn after_any_commits_the_tree_is_the_last_one_and_no_number_has_two_contents(
        commits in prop::collection::vec(commit(), 1..8),
        held in prop::collection::vec(any::<bool>(), 64),
    ) {
        let mut tree = Tree::default();
        let mut ever: BTreeMap<Ino, u8> = BTreeMap::new();
        let mut held = held.into_iter().cycle();
        for commit in commits {
            let names: Vec<String> = commit.keys().map(|theirs| format!("f{theirs}")).collect();
            let entries = names.iter().map(String::as_str).zip(commit.keys().copied());
            let mut inodes = vec![dir(ROOT, ROOT, &entries.collect::<Vec<_>>())];
            inodes.extend(commit.iter().map(|(theirs, bytes)| file(*theirs, *bytes)));
            tree.show(inodes);
            prop_assert_eq!(tree.list(ROOT).unwrap().len(), commit.len() + 2);
            for (theirs, bytes) in &commit {
                let ino = find(&tree, &format!("f{theirs}")).unwrap();
                prop_assert_eq!(*ever.entry(ino).or_insert(*bytes), *bytes);
                if held.next() == Some(true) {
                    tree.remember(ino);
                }
            }
        }
    }
}
