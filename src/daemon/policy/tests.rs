//! Promises of policies.

use std::time::Duration;

use super::*;
use crate::placement::choose::Limit;

fn settings() -> Placement {
    Placement {
        latency: "2ms..150ms".parse().unwrap(),
        max_shards_per_site: NonZeroU8::new(2),
        domains: DomainsRule::Strict,
        ..Placement::default()
    }
}

#[test]
fn what_a_call_says_replaces_what_is_configured_and_nothing_else() {
    let unsaid = policy(&settings(), &LimitArgs::default()).unwrap();
    assert_eq!(unsaid, configured(&settings()));
    assert_eq!(unsaid.limits.proximity.latency.max(), Some(Duration::from_millis(150)));
    let said = LimitArgs {
        latency: Some("..20ms".to_owned()),
        spread: Some("5ms..".to_owned()),
        per_owner: Some(3),
        per_peer: Some(2),
        unmet: Some(UnmetRule::Relax),
        ..LimitArgs::default()
    };
    let policy = policy(&settings(), &said).unwrap();
    assert_eq!(policy.limits.proximity.latency.to_string(), "..20ms");
    assert_eq!(policy.limits.proximity.spread.to_string(), "5ms..");
    assert_eq!((policy.limits.per_site, policy.limits.per_owner), (Some(2), Some(3)));
    assert!(policy.limits.strict_domains);
    assert_eq!(policy.limits.relax.first(), Some(&Limit::Spread));
    assert_eq!(policy.per_peer, 2);
}

#[test]
fn what_makes_no_sense_is_a_usage_error() {
    for said in [
        LimitArgs { latency: Some("150".to_owned()), ..LimitArgs::default() },
        LimitArgs { spread: Some("9ms..1ms".to_owned()), ..LimitArgs::default() },
        LimitArgs { per_site: Some(0), ..LimitArgs::default() },
    ] {
        assert_eq!(policy(&settings(), &said).unwrap_err().exit, 2, "{said:?}");
    }
}
