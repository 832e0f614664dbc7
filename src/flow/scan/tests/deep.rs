//! Trees too deep to hold open, to recurse into, or to name in one path.

use super::*;

/// Makes `depth` directories within each other, with a file at the end; returns the path.
fn dig(base: &Path, depth: usize) -> PathBuf {
    let mut at = rustix::fs::open(base, OFlags::DIRECTORY, Mode::empty()).unwrap();
    let mut path = base.to_owned();
    for level in 0..depth {
        // Names of changing length, to cut long paths at all kinds of places.
        let name = "d".repeat(1 + level % 7);
        rustix::fs::mkdirat(&at, &name, Mode::RWXU).unwrap();
        at = rustix::fs::openat(&at, &name, OFlags::DIRECTORY, Mode::empty()).unwrap();
        path.push(name);
    }
    let flags = OFlags::CREATE | OFlags::WRONLY;
    let file = rustix::fs::openat(&at, "end", flags, Mode::RUSR | Mode::WUSR).unwrap();
    rustix::io::write(&file, b"found").unwrap();
    path.push("end");
    path
}

/// Removes what [`dig`] made; the standard library would recurse.
fn fill_in(base: &Path) {
    let mut at = rustix::fs::open(base, OFlags::DIRECTORY, Mode::empty()).unwrap();
    let mut names = Vec::new();
    loop {
        let mut entries = Vec::new();
        dirs::list(&at, &mut entries).unwrap();
        let Some(entry) = entries.pop() else { break };
        let inner = rustix::fs::openat(&at, &entry.name, OFlags::DIRECTORY, Mode::empty());
        let Ok(inner) = inner else {
            rustix::fs::unlinkat(&at, &entry.name, rustix::fs::AtFlags::empty()).unwrap();
            break;
        };
        at = inner;
        names.push(entry.name);
    }
    while let Some(name) = names.pop() {
        at = rustix::fs::openat(&at, "..", OFlags::DIRECTORY, Mode::empty()).unwrap();
        rustix::fs::unlinkat(&at, &name, rustix::fs::AtFlags::REMOVEDIR).unwrap();
    }
}

#[test]
fn a_tree_ten_thousand_deep_is_scanned_and_read() {
    // In memory where there is such a place: a disk takes seconds to remove it.
    let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let base = canonical(&dir);
    let end = dig(&base, 10_000);
    // After the deep branch the scan has to come all the way back up.
    file(&base.join("zlast"), "");
    let (source, wanted) = (base.clone(), end.clone());
    let walk = move || {
        let mut scan = Scan::new(&[source], ScanOptions::default()).unwrap();
        let (mut dirs, mut leaves) = (0, Vec::new());
        while let Some(event) = scan.next() {
            match event {
                Event::EnterDir { .. } => dirs += 1,
                Event::Leaf(found) => {
                    if found.path == wanted {
                        let open = scan.levels.iter().filter(|level| level.dir.is_some()).count();
                        assert!(open <= OPEN_LEVELS, "{open} directories are open");
                        for mut reader in [
                            scan.open(&found.path).unwrap(),
                            FileReader::open(&found.path).unwrap(),
                        ] {
                            let mut buffer = Vec::new();
                            reader.next(&mut buffer, 100).unwrap();
                            assert_eq!(buffer, b"found");
                        }
                    }
                    leaves.push(found.node.name);
                }
                Event::Problem(problem) => panic!("{}", problem.message),
                Event::LeaveDir => {}
            }
        }
        (dirs, leaves)
    };
    // A stack this small would not survive recursion.
    let walk = std::thread::Builder::new().stack_size(256 * 1024).spawn(walk).unwrap();
    let (dirs, leaves) = walk.join().unwrap();
    assert_eq!(dirs, 10_000 + base.components().count());
    assert_eq!(leaves, [b"end".to_vec(), b"zlast".to_vec()]);
    fill_in(&base.join("d"));
}

#[test]
fn a_directory_moved_away_does_not_lead_the_scan_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    let base = canonical(&dir);
    let (source, away) = (base.join("source"), base.join("away"));
    fs::create_dir(&source).unwrap();
    let end = dig(&source, OPEN_LEVELS + 20);
    for above in end.ancestors().skip(1).take_while(|above| above.starts_with(&source)) {
        file(&above.join("zlast"), "");
    }
    file(&away.join("zlast"), "was never asked for");
    let mut scan = Scan::new(std::slice::from_ref(&source), ScanOptions::default()).unwrap();
    let mut told = Written::default();
    for event in scan.by_ref() {
        let at_end = matches!(&event, Event::Leaf(found) if found.path == end);
        told.add(&source, event);
        if at_end {
            break;
        }
    }
    // The innermost directory that is still open while the one above it is not.
    let open = scan.levels.iter().position(|level| level.dir.is_some()).unwrap();
    let path_of = |level: &Level| {
        PathBuf::from(std::ffi::OsStr::from_bytes(scan.path.get(..level.len).unwrap()))
    };
    let (above, moved) = (&scan.levels[open - 1], &scan.levels[open]);
    let (above, moved) = (path_of(above), path_of(moved));
    fs::rename(&moved, away.join("moved")).unwrap();
    // From there `..` leads to `away`.
    let mut back = None;
    for event in scan {
        if let Event::Leaf(found) = &event
            && found.path == above.join("zlast")
        {
            back = Some(found.node.meta.inode);
        }
        told.add(&source, event);
    }
    assert_eq!(told.problems, []);
    assert_eq!(back, Some(fs::metadata(above.join("zlast")).unwrap().ino()));
    assert_eq!(told.entries.len(), (OPEN_LEVELS + 20) + 1 + (OPEN_LEVELS + 21));
}
