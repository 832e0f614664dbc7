//! Tests of how snapshots are named.

use proptest::prelude::*;

use super::*;

fn id(hex: &str) -> SnapshotId {
    format!("{hex:0<64}").parse().unwrap()
}

fn at(secs: i64) -> Stamp {
    Stamp { secs, nanos: 0 }
}

fn list() -> Vec<(SnapshotId, Stamp)> {
    vec![(id("abcd1"), at(20)), (id("abcd2"), at(10)), (id("0123"), at(30)), (id("beef"), at(30))]
}

fn find(text: &str) -> Result<SnapshotId, SpecError> {
    resolve(&text.parse()?, &list())
}

#[test]
fn latest_counts_back_by_time() {
    assert_eq!(find("latest"), Ok(id("beef")));
    assert_eq!(find("latest~0"), Ok(id("beef")));
    assert_eq!(find("latest~1"), Ok(id("0123")));
    assert_eq!(find("latest~2"), Ok(id("abcd1")));
    assert_eq!(find("latest~3"), Ok(id("abcd2")));
    assert_eq!(find("latest~4"), Err(SpecError::NotFound { name: "latest~4".to_owned() }));
    assert!(find("latest~4294967295").is_err());
}

#[test]
fn an_id_or_an_unambiguous_beginning_names_a_snapshot() {
    assert_eq!(find("0123"), Ok(id("0123")));
    assert_eq!(find("BEEF0"), Ok(id("beef")));
    assert_eq!(find("abcd2"), Ok(id("abcd2")));
    assert_eq!(find(&id("abcd1").to_string()), Ok(id("abcd1")));
    assert_eq!(find("fade"), Err(SpecError::NotFound { name: "fade".to_owned() }));
}

#[test]
fn an_ambiguous_beginning_names_its_candidates() {
    let Err(SpecError::Ambiguous { prefix, matches, candidates }) = find("abcd") else {
        panic!("abcd begins two ids");
    };
    assert_eq!((prefix.as_str(), matches), ("abcd", 2));
    assert_eq!(candidates, [id("abcd1"), id("abcd2")]);
    let text = find("abcd").unwrap_err().to_string();
    assert!(text.contains(&id("abcd1").to_string()), "{text}");
}

#[test]
fn a_snapshot_listed_twice_is_not_ambiguous() {
    let mut twice = list();
    twice.extend(list());
    assert_eq!(resolve(&"0123".parse().unwrap(), &twice), Ok(id("0123")));
}

#[test]
fn many_candidates_are_not_all_named() {
    let many: Vec<_> = (0..200).map(|n| (id(&format!("aaaa{n:02x}")), at(n))).collect();
    let error = resolve(&"aaaa".parse().unwrap(), &many).unwrap_err();
    let SpecError::Ambiguous { matches, candidates, .. } = error else { panic!("{error}") };
    assert_eq!((matches, candidates.len()), (200, CANDIDATES));
}

#[test]
fn without_snapshots_nothing_is_found() {
    for text in ["latest", "latest~3", "abcd"] {
        assert_eq!(resolve(&text.parse().unwrap(), &[]), Err(SpecError::NoSnapshots));
    }
}

#[test]
fn the_first_colon_begins_the_path() {
    let cases: [(&[u8], Option<&[u8]>); 6] = [
        (b"latest", None),
        (b"latest:/home/a", Some(b"/home/a")),
        (b"latest~2:docs", Some(b"docs")),
        (b"abcd:C:\\x:y", Some(b"C:\\x:y")),
        (b"latest:/", Some(b"/")),
        (b"latest:\xff\xfe", Some(b"\xff\xfe")),
    ];
    for (text, path) in cases {
        let spec = SnapshotSpec::parse(text).unwrap();
        assert_eq!(spec.path.as_deref(), path, "{}", text.escape_ascii());
    }
}

#[test]
fn what_names_no_snapshot_is_said_so() {
    let texts = [
        "",
        ":",
        ":x",
        "latest:",
        "abcd:",
        "Latest",
        "latest~",
        "latest~x",
        "latest~+1",
        "latest~-1",
        "latest~4294967296",
        "latest ",
        "abc",
        "xyzw",
        "0x12",
        "abcd-",
        "last",
    ];
    for text in texts {
        let error = text.parse::<SnapshotSpec>().unwrap_err();
        assert!(matches!(error, SpecError::Malformed { .. }), "{text}: {error}");
    }
    let digits = "a".repeat(65);
    assert!(digits.parse::<SnapshotSpec>().is_err());
    let huge = "ä".repeat(100_000).parse::<SnapshotSpec>().unwrap_err();
    assert!(huge.to_string().len() < 500, "a message repeats only the beginning");
}

#[test]
fn a_name_is_printed_as_it_is_written() {
    for text in ["latest", "latest~7", "abcd12", "latest:/a b", "abcd:x:y"] {
        assert_eq!(text.parse::<SnapshotSpec>().unwrap().to_string(), text);
    }
}

proptest! {
    #[test]
    fn no_bytes_make_parsing_panic(text: Vec<u8>) {
        if let Ok(spec) = SnapshotSpec::parse(&text) {
            prop_assert_eq!(spec.path.is_some(), text.contains(&b':'));
        }
    }

    #[test]
    fn an_unambiguous_beginning_finds_its_snapshot(
        ids in prop::collection::btree_set(any::<[u8; 32]>(), 1..30),
        digits in MIN_PREFIX..=64_usize,
        pick: usize,
    ) {
        let all: Vec<_> =
            ids.into_iter().map(|bytes| (SnapshotId::from_bytes(bytes), at(0))).collect();
        let wanted = all[pick % all.len()].0;
        let spec: SnapshotSpec = wanted.to_string()[..digits].parse().unwrap();
        match resolve(&spec, &all) {
            Ok(found) => prop_assert_eq!(found, wanted),
            Err(SpecError::Ambiguous { candidates, .. }) => {
                prop_assert!(candidates.len() >= 2 && digits < 64);
            }
            Err(error) => prop_assert!(false, "{}", error),
        }
    }
}
