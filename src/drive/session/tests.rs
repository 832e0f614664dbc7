//! Reading the kernel's table of mounts.

use super::*;

#[test]
fn mounts_are_found_by_their_whole_name() {
    let table = b"22 1 0:21 / /proc rw,nosuid shared:5 - proc proc rw\n\
        40 22 0:50 / /mnt/my\\040drive rw - fuse gbak:docs rw,user_id=0\n\
        41 22 0:51 / /mnt/a\\134b rw shared:1 master:2 - fuse.gbak gbak:x rw\n\
        43 22 0:53 / /mnt/third rw - fuse sshfs rw\nshort line\n";
    let found: Vec<_> = mounts(table).collect();
    let named = [("/mnt/my drive", "0:50"), ("/mnt/a\\b", "0:51")];
    let named = named.map(|(at, device)| (PathBuf::from(at), device.to_owned()));
    assert_eq!(found, named);
}

#[test]
fn what_is_not_ours_is_not_unmounted() {
    let refused = unmount(Path::new("/proc"));
    assert!(matches!(refused, Err(MountError::NotMounted { .. })), "{refused:?}");
}
