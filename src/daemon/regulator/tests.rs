//! Promises about setting limits.

use super::*;

const MIB: u64 = 1 << 20;

#[test]
fn what_is_not_said_stays() {
    let up = Speed::from_bytes(4 * MIB).unwrap();
    let mut limits = Limits { up, ..Limits::default() };
    let args = LimitsArgs { down: Some(MIB), limit_lan: Some(true), ..LimitsArgs::default() };
    apply(&mut limits, &args).unwrap();
    assert_eq!((limits.up.bytes(), limits.down.bytes(), limits.limit_lan), (4 * MIB, MIB, true));
    apply(&mut limits, &LimitsArgs { up: Some(0), ..LimitsArgs::default() }).unwrap();
    assert_eq!((limits.up.bytes(), limits.down.bytes(), limits.limit_lan), (0, MIB, true));
    assert!(apply(&mut limits, &LimitsArgs { up: Some(1), ..LimitsArgs::default() }).is_err());
}
