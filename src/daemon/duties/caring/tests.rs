//! When audits come.

use super::*;

#[test]
fn nobody_can_tell_when_the_next_audit_comes_but_it_comes() {
    let period = Duration::from_secs(6 * 3600);
    let pauses: Vec<Duration> =
        (0..1000_u64).map(|n| audit_pause(period, n.wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect();
    assert!(pauses.iter().all(|pause| (period / 2..period * 3 / 2).contains(pause)));
    let early = pauses.iter().filter(|pause| **pause < period).count();
    assert!((400..600).contains(&early), "{early} of 1000 before the period is over");
    assert!(audit_pause(Duration::from_secs(1), u64::MAX) <= Duration::from_millis(1500));
}
