//! Promises of a turnstile: turns among tasks, and nothing lost when they go away.

use std::time::Duration;

use futures::FutureExt;
use tokio::time::timeout;

use super::*;

fn owner(n: u8) -> OwnerId {
    OwnerId::from_bytes([n; 32])
}

async fn enter(turnstile: &Turnstile, n: u8) -> Pass {
    let entering = turnstile.enter(owner(n), 1);
    timeout(Duration::from_secs(9), entering).await.unwrap().unwrap()
}

#[tokio::test]
async fn an_owner_with_nothing_goes_before_one_with_much() {
    let turnstile = Turnstile::new(2);
    let held = [enter(&turnstile, 1).await, enter(&turnstile, 1).await];
    let mut more = Box::pin(turnstile.enter(owner(1), 1));
    assert!(more.as_mut().now_or_never().is_none());
    let mut modest = Box::pin(turnstile.enter(owner(2), 1));
    assert!(modest.as_mut().now_or_never().is_none());
    drop(held);
    let pass = modest.await;
    assert!(pass.is_some() && more.as_mut().now_or_never().is_some());
    assert!(turnstile.enter(owner(3), 0).await.is_none(), "nothing is asked for");
}

#[tokio::test]
async fn who_goes_away_takes_nothing_along() {
    let turnstile = Turnstile::new(1);
    let held = enter(&turnstile, 1).await;
    let mut waiting = Vec::new();
    for n in 0..100 {
        let mut entering = Box::pin(turnstile.enter(owner(n), 1));
        assert!(entering.as_mut().now_or_never().is_none());
        waiting.push(entering);
    }
    // Half of them go while they wait, one between its call and its next poll.
    let mut rest = waiting.split_off(50);
    drop(waiting);
    drop(held);
    drop(rest.remove(0));
    for entering in rest {
        drop(timeout(Duration::from_secs(9), entering).await.unwrap().unwrap());
    }
    drop(enter(&turnstile, 9).await);
}
