//! Tests of the snapshot record and its id.

use std::path::Path;

use chunker::ChunkId;
use proptest::prelude::*;

use super::*;
use crate::vault::manifest::split_record;
use crate::vault::tests::{bytes32, peer, vault};

fn any_snapshot() -> impl Strategy<Value = Snapshot> {
    let texts = (".*", ".*", prop::collection::vec(".*", 0..3));
    let paths = prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..4);
    let root = prop::collection::vec((any::<u64>(), any::<Option<[u8; 32]>>()), 0..4);
    let rest = (any::<i64>(), 0_u32..1_000_000_000, any::<Option<[u8; 32]>>(), any::<bool>());
    (texts, paths, root, rest, any::<[u64; 6]>()).prop_map(|(texts, paths, root, rest, n)| {
        let piece =
            |(len, id): (u64, Option<[u8; 32]>)| Piece { len, chunk: id.map(ChunkId::from_bytes) };
        Snapshot {
            time: Stamp { secs: rest.0, nanos: rest.1 },
            hostname: texts.0,
            username: texts.1,
            paths: paths.into_iter().map(ByteBuf::from).collect(),
            tags: texts.2,
            root: root.into_iter().map(piece).collect(),
            parent: rest.2.map(SnapshotId::from_bytes),
            state: if rest.3 { SnapshotState::Complete } else { SnapshotState::Interrupted },
            device: peer(1),
            program: "gbak 0.1.0".to_owned(),
            totals: Totals {
                files: n[0],
                dirs: n[1],
                bytes: n[2],
                data_added: n[3],
                data_added_packed: n[4],
                problems: n[5],
            },
            cut: CutParams::default(),
            large: rest.3.then(LargeCut::now),
        }
    })
}

fn of_paths(paths: &[&str]) -> Snapshot {
    Snapshot {
        time: Stamp { secs: 1_764_000_000, nanos: 5 },
        hostname: "laptop".to_owned(),
        username: "alice".to_owned(),
        paths: paths.iter().map(|path| ByteBuf::from(path.as_bytes())).collect(),
        tags: Vec::new(),
        root: vec![Piece { len: 9, chunk: Some(ChunkId::from_bytes(bytes32(1))) }],
        parent: None,
        state: SnapshotState::Complete,
        device: peer(2),
        program: "gbak 0.1.0".to_owned(),
        totals: Totals::default(),
        cut: CutParams::default(),
        large: None,
    }
}

proptest! {
    #[test]
    fn a_snapshot_comes_back_under_the_same_id(snapshot in any_snapshot()) {
        let bytes = snapshot.encode();
        let read = Snapshot::decode(&bytes).unwrap();
        prop_assert_eq!(&read, &snapshot);
        prop_assert_eq!(read.encode(), bytes);
        let vault = vault();
        prop_assert_eq!(read.id(vault.keys()), snapshot.id(vault.keys()));
    }

    #[test]
    fn no_bytes_make_decoding_panic(mut bytes: Vec<u8>) {
        bytes.insert(0, Snapshot::VERSION);
        prop_assert!(Snapshot::decode(&bytes).is_err());
    }
}

#[test]
fn a_snapshot_of_one_chunk_is_named_as_that_chunk() {
    let (vault, snapshot) = (vault(), of_paths(&["/home"]));
    let pieces = split_record(vault.keys(), &snapshot.encode(), Class::Snapshot);
    assert_eq!(pieces.len(), 1);
    let id = pieces[0].0.chunk.unwrap();
    assert_eq!(id.as_bytes(), snapshot.id(vault.keys()).as_bytes());
}

#[test]
fn the_order_of_paths_does_not_matter_for_being_the_same() {
    let snapshot = of_paths(&["/home/a", "/etc"]);
    let paths = |list: &[&str]| list.iter().map(PathBuf::from).collect::<Vec<_>>();
    assert!(snapshot.same_paths(&paths(&["/home/a", "/etc"])));
    assert!(snapshot.same_paths(&paths(&["/etc", "/home/a"])));
    assert!(!snapshot.same_paths(&paths(&["/etc"])));
    assert!(!snapshot.same_paths(&paths(&["/etc", "/home/a", "/home"])));
    assert!(!snapshot.same_paths(&[Path::new("/etc").join("x"), PathBuf::from("/home/a")]));
}

#[test]
fn the_first_versions_record_still_reads() {
    let snapshot = Snapshot::decode(&hex::decode(GOLDEN).unwrap()).unwrap();
    assert_eq!(snapshot, of_paths(&["/home"]));
    assert_eq!(snapshot.encode(), hex::decode(GOLDEN).unwrap());
}

const GOLDEN: &str = "01aa6174a261731a69248100616e056168666c6170746f70617565616c69636561508145\
    2f686f6d65617281a2616c0961635820c610e85212d0697cb161d4ba431ba603f273feee\
    7dcb7927c9ff5d74ae6cbfa36173616361645820f03bf86f79d121cbfd774dec4a65912e\
    99f5f17c33852bbc45e819160e62b53b61766a6762616b20302e312e30616ea661660061\
    64006162006161006170006178006163a3636d696e194000636176671a00010000636d61\
    781a00040000";
