//! Whose turn it is.

use super::*;

fn peer(no: u8) -> PeerId {
    PeerId::from_bytes([no; 32])
}

#[test]
fn who_got_ahead_in_a_run_comes_after_the_others_until_it_ends() {
    let room = |used_bytes| Room { used_bytes, free_bytes: 1000 - used_bytes };
    // Half full on average: ahead is who has 530 or more.
    let rooms: BTreeMap<PeerId, Room> =
        [(peer(1), room(500)), (peer(2), room(300)), (peer(3), room(700))].into();
    let fill = Fill::of(rooms.values().copied());
    let (turns, walk) = (Turns::default(), vec![peer(3), peer(1), peer(9), peer(2)]);
    let sorted = || turns.sorted(walk.clone(), &fill, &rooms);
    assert_eq!(sorted(), [peer(1), peer(9), peer(2), peer(3)]);
    let took = |no: u8, bytes| turns.took(peer(no), bytes, &fill, rooms.get(&peer(no)));
    took(1, 20);
    assert_eq!((sorted()[0], turns.no()), (peer(1), 0), "a little is its share");
    took(1, 20);
    assert_eq!((sorted(), turns.no()), (vec![peer(9), peer(2), peer(3), peer(1)], 1));
    // Another policy of the same run sees the same disks; nobody gets ahead twice.
    turns.clone().took(peer(2), 500, &fill, rooms.get(&peer(2)));
    took(1, 100);
    took(9, 100);
    assert_eq!((sorted(), turns.no()), (vec![peer(9), peer(3), peer(1), peer(2)], 2));
}
