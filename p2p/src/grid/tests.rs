//! Tests of the promises of `grid`.

use super::*;
use crate::testing::World;

#[test]
fn the_nearest_by_xor_of_the_hashed_id_come_first() {
    let world = World::new("grid");
    let members = world.members("ada", "laptop");
    members.learn((0..20).map(|no| world.hello("bob", &format!("device {no}"))).collect());
    let target = Target([0x5a; 32]);
    let all = nearest(members.infos(), target, 100);
    assert_eq!(all.len(), 20);
    let far = |info: &PeerInfo| -> Vec<u8> {
        let hash = blake3::hash(info.peer.as_bytes());
        hash.as_bytes().iter().map(|byte| byte ^ 0x5a).collect()
    };
    assert!(all.is_sorted_by_key(far));
    assert_eq!(nearest(members.infos(), target, 3), all[..3]);
}
