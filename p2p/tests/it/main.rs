//! What every [`p2p::Grid`] promises, run over the simulated grid and over libp2p on loopback.
//!
//! A promise is one function of `suite`, generic over [`rig::Rig`]; the macro below makes a test of
//! each for each rig. The simulation runs in paused time, so waiting out a deadline costs nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "all of it is test")]

mod host;
mod rig;
mod suite;
#[path = "../../src/testing.rs"]
mod testing;

macro_rules! conformance {
    ($($promise:ident)*) => {
        mod over_sim {
            use crate::{rig::SimRig, suite};
            $(#[tokio::test(start_paused = true)]
            async fn $promise() {
                suite::$promise(SimRig::new()).await;
            })*
        }

        mod over_libp2p {
            use crate::{rig::SwarmRig, suite};
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() {
                suite::$promise(SwarmRig::new()).await;
            })*
        }
    };
}

conformance! {
    bodies_of_every_size_come_back_as_they_were
    a_put_may_be_repeated
    either_side_may_ask_over_the_connection_they_have
    a_device_that_nobody_knows_is_unreachable
    a_shard_that_is_not_held_is_refused_and_told_apart
    a_member_of_another_grid_never_reaches_the_service
    a_peer_that_went_down_is_an_error_soon_and_works_again_when_back
    sixty_four_asks_at_once_are_all_answered
    what_is_too_large_is_refused_and_never_reaches_the_service
    the_closest_are_ordered_by_xor_of_the_hashed_id
    peers_are_ordered_and_complete_after_one_roster
    an_abandoned_ask_leaves_the_connection_usable
    a_recovering_device_is_welcome_when_its_owner_is_known_and_only_then
    a_stranger_reaches_the_service_with_a_join_and_nothing_else
    an_answer_that_does_not_fit_its_question_is_an_error
    pings_measure_and_tell_offers
}
