//! Silence, absences and returns, and what may not be made of them.

use std::time::Duration;

use proptest::prelude::*;

use super::*;

const START: u64 = 1_800_000_000;
const LOOK: u64 = 300;

/// A holder that is looked for every five minutes.
struct Story {
    standing: Standing,
    now: u64,
    rules: Rules,
}

impl Story {
    fn new() -> Self {
        let mut story = Self { standing: Standing::default(), now: START, rules: Rules::default() };
        story.look(true, Crowd::Few);
        story
    }

    fn look(&mut self, online: bool, crowd: Crowd) {
        self.standing.look(self.now, online, crowd, &self.rules);
        self.now += LOOK;
    }

    fn passes(&mut self, secs: u64, online: bool, crowd: Crowd) -> State {
        for _ in 0..secs / LOOK {
            self.look(online, crowd);
        }
        self.standing.state()
    }
}

#[test]
fn silence_goes_through_every_state_and_only_the_last_two_give_a_holder_up() {
    let mut story = Story::new();
    assert_eq!(story.passes(HOUR / 2, false, Crowd::Few), State::Present);
    assert_eq!(story.passes(HOUR, false, Crowd::Few), State::Suspect);
    assert_eq!(story.passes(DAY, false, Crowd::Few), State::Away);
    assert!(story.standing.state().counts());
    assert_eq!(story.passes(2 * DAY, false, Crowd::Few), State::PresumedLost);
    assert_eq!(story.passes(28 * DAY, false, Crowd::Few), State::Lost);
    assert!(!story.standing.state().counts());
}

#[test]
fn three_hours_give_nobody_up_and_a_return_is_taken_at_once() {
    let mut story = Story::new();
    assert!(story.passes(3 * HOUR, false, Crowd::Many).counts());
    assert!(story.passes(3 * HOUR, false, Crowd::Few).counts());
    story.look(true, Crowd::Few);
    assert_eq!(story.standing.state(), State::Present);
}

#[test]
fn whoever_was_given_up_counts_again_only_after_a_proof() {
    let mut story = Story::new();
    story.passes(4 * DAY, false, Crowd::Few);
    assert_eq!(story.passes(HOUR, true, Crowd::Few), State::PresumedLost);
    story.standing.proved(story.now, &story.rules);
    assert_eq!(story.passes(HOUR, true, Crowd::Few), State::Present);
}

#[test]
fn a_holder_that_came_back_from_long_absences_is_waited_for_longer() {
    let mut story = Story::new();
    assert_eq!(story.standing.patience(&story.rules), Duration::from_secs(3 * DAY));
    story.passes(2 * DAY + DAY / 2, false, Crowd::Few);
    story.passes(DAY, true, Crowd::Few);
    assert_eq!(story.passes(4 * DAY, false, Crowd::Few), State::Away);
    assert_eq!(story.passes(2 * DAY, false, Crowd::Few), State::PresumedLost);
    // A month on holiday does not make it two.
    story.passes(30 * DAY, false, Crowd::Few);
    story.look(true, Crowd::Few);
    assert_eq!(story.standing.patience(&story.rules), Duration::from_secs(10 * DAY));
}

#[test]
fn when_we_were_off_or_cut_off_nobody_was_silent() {
    let mut story = Story::new();
    story.now += 20 * DAY;
    story.look(false, Crowd::Few);
    assert_eq!(story.standing.state(), State::Present, "one look adds twenty minutes at most");
    assert_eq!(story.passes(20 * DAY, false, Crowd::All), State::Present);
}

#[test]
fn silence_of_many_at_once_counts_half() {
    let mut story = Story::new();
    assert_eq!(story.passes(5 * DAY, false, Crowd::Many), State::Away);
    assert_eq!(story.passes(2 * DAY, false, Crowd::Many), State::PresumedLost);
    assert_eq!(Crowd::of(0, 0), Crowd::Few);
    assert_eq!((Crowd::of(2, 5), Crowd::of(3, 9)), (Crowd::Few, Crowd::Few));
    assert_eq!((Crowd::of(4, 10), Crowd::of(10, 10)), (Crowd::Many, Crowd::All));
}

#[test]
fn an_announced_absence_is_believed_for_as_long_as_the_rules_allow() {
    let mut story = Story::new();
    story.standing.announced(story.now, story.now + 14 * DAY, &story.rules);
    assert_eq!(story.passes(14 * DAY, false, Crowd::Few), State::Away);
    assert_eq!(story.passes(3 * DAY - HOUR, false, Crowd::Few), State::Away);
    assert_eq!(story.passes(2 * HOUR, false, Crowd::Few), State::PresumedLost);
    let mut endless = Story::new();
    endless.standing.announced(endless.now, u64::MAX, &endless.rules);
    assert_eq!(endless.passes(34 * DAY, false, Crowd::Few), State::PresumedLost);
}

#[test]
fn a_holder_declared_lost_is_so_at_once_and_not_for_ever() {
    let mut story = Story::new();
    story.standing.declare_lost(story.now);
    assert_eq!(story.passes(DAY, true, Crowd::Few), State::Lost);
    story.standing.proved(story.now, &story.rules);
    assert_eq!(story.standing.state(), State::Lost, "its user knows better");
    story.passes(7 * DAY, true, Crowd::Few);
    story.standing.proved(story.now, &story.rules);
    assert_eq!(story.standing.state(), State::Present);
}

proptest! {
    #[test]
    fn short_absences_never_give_a_holder_up(
        // A clock that jumps ahead adds one look's gap.
        absences in proptest::collection::vec((0..(3 * DAY - 1200) / LOOK - 1, 1..50_u64), 1..20),
        jumps in proptest::collection::vec(0..DAY, 20),
    ) {
        let mut story = Story::new();
        for ((silent, present), jump) in absences.into_iter().zip(jumps) {
            prop_assert!(story.passes(silent * LOOK, false, Crowd::Few).counts());
            story.passes(present * LOOK, true, Crowd::Few);
            prop_assert_eq!(story.standing.state(), State::Present);
            // The clock may be wrong in either direction.
            story.now = if jump % 2 == 0 { story.now + jump } else { story.now - jump };
        }
    }
}
