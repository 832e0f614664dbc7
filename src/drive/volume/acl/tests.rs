//! Lists and permission bits that follow each other, as `setfacl` and `chmod` make them do.

use super::*;

const USER: u16 = 0x02;

fn acl(entries: &[(u16, u16)]) -> Acl {
    Acl(entries.iter().map(|(tag, perm)| (*tag, *perm, [0xff; 4])).collect())
}

#[test]
fn a_list_is_read_as_it_was_written_and_nothing_else_is() {
    let list = acl(&[(USER_OBJ, 7), (USER, 6), (GROUP_OBJ, 5), (MASK, 6), (OTHER, 0)]);
    assert_eq!(Acl::parse(&list.bytes()), Some(list.clone()));
    assert_eq!(list.mode(), 0o760);
    let mut cut = list.bytes();
    cut.pop();
    assert_eq!(Acl::parse(&cut), None);
    assert_eq!(Acl::parse(&acl(&[(USER_OBJ, 7)]).bytes()), None);
    assert_eq!(Acl::parse(b""), None);
}

#[test]
fn chmod_changes_the_mask_and_leaves_the_group_entry() {
    let mut list = acl(&[(USER_OBJ, 7), (USER, 6), (GROUP_OBJ, 5), (MASK, 7), (OTHER, 0)]);
    list.set_mode(0o641);
    assert_eq!(list, acl(&[(USER_OBJ, 6), (USER, 6), (GROUP_OBJ, 5), (MASK, 4), (OTHER, 1)]));
}

#[test]
fn new_entries_get_the_default_list_within_the_mode_asked_for() {
    let list = acl(&[(USER_OBJ, 7), (USER, 7), (GROUP_OBJ, 5), (MASK, 7), (OTHER, 5)]);
    let (own, mode) = list.inherited(0o640);
    assert_eq!(mode, 0o640);
    assert_eq!(own, Some(acl(&[(USER_OBJ, 6), (USER, 7), (GROUP_OBJ, 5), (MASK, 4), (OTHER, 0)])));
    let plain = acl(&[(USER_OBJ, 7), (GROUP_OBJ, 0), (OTHER, 0)]);
    assert_eq!(plain.inherited(0o1666), (None, 0o1600));
}
