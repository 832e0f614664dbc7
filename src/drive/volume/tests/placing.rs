//! What is put whole: seen at its end or not at all, and kept as what was synced is.

use super::*;

fn filled(w: &World, bytes: &[u8]) -> Ino {
    let ino = w.volume.unnamed(ME).unwrap().ino;
    w.volume.write(ino, 0, bytes, false).unwrap();
    ino
}

#[test]
fn a_new_file_has_its_name_when_it_is_whole() {
    let mut w = World::new();
    let new = filled(&w, b"whole");
    assert_eq!((w.names(ROOT), w.links(new)), (vec![], 0));
    let placed = w.volume.place(new, ROOT, b"f", 0o640).unwrap();
    assert_eq!((placed.ino, placed.mode, placed.links), (new, 0o640, 1));
    assert_eq!((placed.uid, placed.gid), (ME.uid, ME.gid));
    w.volume.forget(new, 1);
    assert_eq!(w.read(new, 0, 99), b"whole");
    w.volume.sync(new).unwrap();
    w.killed();
    assert_eq!((w.names(ROOT), w.read(new, 0, 99)), (vec!["f".to_owned()], b"whole".to_vec()));
}

#[test]
fn a_file_that_is_there_stays_what_it_is_and_has_other_bytes() {
    let mut w = World::new();
    let old = w.make(ROOT, "f", Type::File).ino;
    w.volume.link(old, ROOT, b"g").unwrap();
    w.volume.write(old, 0, &[1; 10_000], true).unwrap();
    w.volume.set_xattr(old, b"user.x", b"y", XattrHow::Either).unwrap();
    let mode = Change { mode: Some(0o4751), ..Change::default() };
    w.volume.set_attr(old, &mode, ME).unwrap();
    w.volume.sync_all().unwrap();
    let new = filled(&w, b"other");
    let placed = w.volume.place(new, ROOT, b"f", 0o600).unwrap();
    // Nobody runs other bytes as somebody else.
    assert_eq!((placed.ino, placed.mode, placed.links, placed.size), (old, 0o751, 2, 5));
    assert_eq!(w.volume.xattr(old, b"user.x").unwrap(), b"y");
    assert_eq!((w.read(old, 0, 99), w.size(new)), (b"other".to_vec(), 0));
    w.volume.forget(new, 1);
    assert!(w.volume.attr(new).is_err());
    w.volume.sync(old).unwrap();
    w.killed();
    assert_eq!(w.read(w.find(ROOT, "g").unwrap().ino, 0, 99), b"other");
    assert_eq!(w.volume.store.numbers().unwrap().len(), 1);
    assert_eq!(w.volume.space().files, 2);
}

#[test]
fn what_was_not_placed_is_gone_after_a_kill() {
    let mut w = World::new();
    let new = filled(&w, &[1; 1000]);
    w.volume.sync_all().unwrap();
    w.killed();
    assert!(w.volume.attr(new).is_err());
    assert_eq!(w.volume.store.numbers().unwrap(), Vec::<u64>::new());
}

#[test]
fn a_commit_has_the_bytes_of_its_moment() {
    let w = World::new();
    let old = w.make(ROOT, "f", Type::File).ino;
    w.volume.write(old, 0, b"old", true).unwrap();
    let frozen = w.volume.freeze();
    let new = filled(&w, b"new!");
    w.volume.place(new, ROOT, b"f", 0o600).unwrap();
    w.volume.forget(new, 1);
    w.volume.save().unwrap();
    let inode = frozen.get(old).unwrap();
    let Body::File(data) = &inode.body else { panic!("it is a file") };
    let mut read = [0; 3];
    frozen.read(data.no.unwrap(), &mut read, 0).unwrap();
    assert_eq!(&read, b"old");
    // What the commit took is not what is there now.
    let base = w.grid.keep(b"old", 8);
    let base = node::Base { content: base, size: 3, allocated: 3, commit: 1, of: data.changed };
    w.volume.committed(vec![freeze::Taken { ino: old, of: data.changed, base }]);
    w.volume.thaw();
    w.volume.save().unwrap();
    assert_eq!(w.read(old, 0, 9), b"new!");
    assert_eq!(w.volume.store.numbers().unwrap().len(), 1);
}

#[test]
fn only_files_take_bytes_and_only_in_directories() {
    let w = World::new();
    let file = w.make(ROOT, "f", Type::File).ino;
    w.make(ROOT, "d", Type::Dir);
    w.make(ROOT, "p", Type::Fifo);
    let new = filled(&w, b"x");
    let place = |parent, name: &str| w.volume.place(new, parent, name.as_bytes(), 0o600);
    assert_eq!(place(ROOT, "d").unwrap_err(), Errno::ISDIR);
    assert_eq!(place(ROOT, "p").unwrap_err(), Errno::INVAL);
    assert_eq!(place(file, "x").unwrap_err(), Errno::NOTDIR);
    assert_eq!(place(ROOT, &"n".repeat(256)).unwrap_err(), Errno::NAMETOOLONG);
    assert_eq!(place(ROOT, "new").unwrap().size, 1);
    assert_eq!(place(ROOT, "again").unwrap_err(), Errno::INVAL);
}
