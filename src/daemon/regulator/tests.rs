//! Promises about which limit counts.

use super::*;

const MIB: u64 = 1 << 20;

fn configured(up: u64) -> State {
    let limits = Limits { up: Speed::from_bytes(up).unwrap(), ..Limits::default() };
    State { configured: limits, ..State::default() }
}

fn up(state: &State) -> u64 {
    effective(state).up.map_or(0, NonZeroU64::get)
}

fn call(up: u64) -> CallLimits {
    CallLimits { up: Some(up), down: None }
}

#[test]
fn the_command_line_wins_over_the_settings_and_calls_count_beside_both() {
    let mut state = configured(4 * MIB);
    assert_eq!(up(&state), 4 * MIB);
    state.given = call(8 * MIB);
    assert_eq!(up(&state), 8 * MIB);
    state.given = call(0);
    assert_eq!(up(&state), 0, "unlimited for once");
    state.calls.insert(1, call(2 * MIB));
    state.calls.insert(2, call(MIB));
    state.calls.insert(3, call(0));
    assert_eq!(up(&state), MIB);
    state.given = call(MIB / 2);
    assert_eq!(up(&state), MIB / 2);
    assert_eq!(effective(&state).down, None);
}

#[test]
fn what_is_not_said_stays() {
    let mut limits = configured(4 * MIB).configured;
    let args = LimitsArgs { down: Some(MIB), limit_lan: Some(true), ..LimitsArgs::default() };
    apply(&mut limits, &args).unwrap();
    assert_eq!((limits.up.bytes(), limits.down.bytes(), limits.limit_lan), (4 * MIB, MIB, true));
    apply(&mut limits, &LimitsArgs { up: Some(0), ..LimitsArgs::default() }).unwrap();
    assert_eq!((limits.up.bytes(), limits.down.bytes(), limits.limit_lan), (0, MIB, true));
    assert!(apply(&mut limits, &LimitsArgs { up: Some(1), ..LimitsArgs::default() }).is_err());
}
