//! Tests of listings: harmless names, unchanged files, records that come back.

use proptest::prelude::*;

use super::*;
use crate::vault::tests::fingerprint;

fn file(name: &[u8], size: u64) -> Node {
    let meta = Meta {
        mtime: Stamp { secs: 100, nanos: 7 },
        ctime: Stamp { secs: 200, nanos: 8 },
        inode: 42,
        device: 5,
        ..Meta::default()
    };
    Node { name: name.to_vec(), kind: Kind::File { size, content: Content::empty() }, meta }
}

fn tree(names: &[&[u8]]) -> Tree {
    Tree { nodes: names.iter().map(|name| file(name, 1)).collect() }
}

#[test]
fn names_that_lead_elsewhere_are_not_valid() {
    let faults: [(&[u8], NameFault); 12] = [
        (b"", NameFault::Empty),
        (b".", NameFault::Dots),
        (b"..", NameFault::Dots),
        (b"/", NameFault::Slash),
        (b"../x", NameFault::Slash),
        (b"/abs", NameFault::Slash),
        (b"a/b", NameFault::Slash),
        (b"a/../../x", NameFault::Slash),
        (b"a/", NameFault::Slash),
        (b"\0", NameFault::Nul),
        (b"a\0b", NameFault::Nul),
        (&[b'x'; 256], NameFault::TooLong),
    ];
    for (name, fault) in faults {
        assert_eq!(name_fault(name), Some(fault), "{}", name.escape_ascii());
        assert!(!valid_name(name));
    }
}

#[test]
fn every_name_a_file_system_can_hold_is_valid() {
    let names: [&[u8]; 10] = [
        b"a",
        b"...",
        b"..x",
        b".hidden",
        b"-rf",
        b"C:x",
        b"..\\x",
        b"\xff\xfe not utf-8",
        b"\x1b[31m\xe2\x80\xae",
        &[b'x'; 255],
    ];
    for name in names {
        assert!(valid_name(name), "{}", name.escape_ascii());
    }
}

#[test]
fn a_name_used_twice_is_found_wherever_it_is() {
    let listing = tree(&[b"a", b"b", b"a", b"..", b"c", b".."]);
    let faults = [(2, NameFault::Duplicate), (3, NameFault::Dots), (5, NameFault::Dots)];
    assert_eq!(listing.faults(), faults);
    assert_eq!(tree(&[b"a", b"A", b"aa"]).faults(), []);
}

#[test]
fn a_file_is_unchanged_only_when_nothing_that_tells_changed() {
    let old = file(b"x", 10);
    assert!(unchanged(&old, &old.meta, 10));
    assert!(!unchanged(&old, &old.meta, 11));
    let changes: [fn(&mut Meta); 5] = [
        |meta| meta.mtime.secs += 1,
        |meta| meta.mtime.nanos += 1,
        |meta| meta.ctime.secs -= 1,
        |meta| meta.ctime.nanos -= 1,
        |meta| meta.inode += 1,
    ];
    for change in changes {
        let mut meta = old.meta.clone();
        change(&mut meta);
        assert!(!unchanged(&old, &meta, 10));
    }
}

#[test]
fn a_restart_that_renumbers_devices_changes_nothing() {
    let old = file(b"x", 10);
    let meta = Meta { device: 6, ..old.meta.clone() };
    assert!(unchanged(&old, &meta, 10));
}

#[test]
fn only_files_are_taken_over() {
    for kind in [Kind::Dir { tree: Vec::new() }, Kind::Fifo, Kind::CharDevice { rdev: 1 }] {
        let old = Node { kind, ..file(b"x", 0) };
        assert!(!unchanged(&old, &old.meta, 0));
    }
}

#[test]
fn every_kind_of_entry_comes_back_as_it_was_and_is_written_as_ever() {
    let piece = Piece { len: 7, chunk: Some(ChunkId::from_bytes([9; 32])) };
    let hole = Piece { len: 1 << 40, chunk: None };
    let kinds = [
        Kind::Dir { tree: vec![piece] },
        Kind::File { size: 1 << 40, content: Content::Inline(vec![hole, piece]) },
        Kind::File { size: 7, content: Content::Listed(vec![piece]) },
        Kind::Symlink { target: b"\xff/nowhere".to_vec() },
        Kind::Fifo,
        Kind::Socket,
        Kind::CharDevice { rdev: 259 },
        Kind::BlockDevice { rdev: u64::MAX },
    ];
    let nodes = kinds.into_iter().map(|kind| {
        let mut node = Node { kind, ..file(b"\xfe", 0) };
        node.meta.user = Some("alice".to_owned());
        node.meta.mtime = Stamp { secs: i64::MIN, nanos: 999_999_999 };
        node.meta.xattrs = vec![Xattr { name: b"user.x".to_vec(), value: vec![0, 255] }];
        node
    });
    let tree = Tree { nodes: nodes.collect() };
    assert_eq!(Tree::decode(&tree.encode()).unwrap(), tree);
    assert_eq!(fingerprint(&tree.encode()), "8df03b0a76c44e2897288ea0165de9cd");
}

proptest! {
    #[test]
    fn no_bytes_make_decoding_panic(mut bytes: Vec<u8>) {
        bytes.insert(0, 1);
        if let Ok(tree) = Tree::decode(&bytes) {
            prop_assert!(tree.faults().len() <= tree.nodes.len());
        }
        if let Ok(list) = PieceList::decode(&bytes) {
            prop_assert_eq!(PieceList::decode(&list.encode()).unwrap(), list);
        }
    }

    #[test]
    fn what_is_left_after_the_faults_is_a_directory(
        names in prop::collection::vec(prop::collection::vec(0_usize..4, 0..3), 0..20),
    ) {
        let spell = |name: &Vec<usize>| name.iter().map(|n| b"/.\0a"[*n]).collect();
        let names: Vec<Vec<u8>> = names.iter().map(spell).collect();
        let listing = Tree { nodes: names.iter().map(|name| file(name, 1)).collect() };
        let bad: BTreeSet<usize> = listing.faults().iter().map(|(at, _)| *at).collect();
        let good: Vec<&Vec<u8>> =
            names.iter().enumerate().filter(|(at, _)| !bad.contains(at)).map(|(_, n)| n).collect();
        prop_assert!(good.iter().all(|name| valid_name(name)));
        prop_assert_eq!(good.iter().collect::<BTreeSet<_>>().len(), good.len());
        let all: BTreeSet<_> = names.iter().filter(|name| valid_name(name)).collect();
        prop_assert_eq!(all.len(), good.len());
    }
}
