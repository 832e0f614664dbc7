//! Tests of presence: what was seen is kept for two months, and nothing else is.

use std::collections::BTreeMap;

use chunker::Record;
use proptest::prelude::*;

use super::*;

/// A record as it is stored.
#[derive(Serialize, Deserialize)]
struct Stored<P>(P);

impl<P: Serialize + serde::de::DeserializeOwned> Record for Stored<P> {
    const NAME: &'static str = "stored";
    const VERSION: u8 = 1;
    const LIMIT: usize = 8192;
}

proptest! {
    #[test]
    fn every_recent_window_is_known_as_it_was_seen(
        notes in prop::collection::vec((0_u64..2 * HISTORY, any::<bool>()), 0..200),
    ) {
        let mut presence = Presence::default();
        let mut model: BTreeMap<u64, bool> = BTreeMap::new();
        for (window, up) in notes {
            presence.note(window, up);
            *model.entry(window).or_default() |= up;
        }
        let newest = model.keys().last().copied().unwrap_or(0);
        for (window, up) in model {
            if window + HISTORY > newest + 64 {
                prop_assert!(presence.is_known(window));
                prop_assert_eq!(presence.is_up(window), up);
            }
        }
        prop_assert!(presence.words.len() <= WORDS);
        let bytes = Stored(presence.clone()).encode();
        prop_assert_eq!(Stored::<Presence>::decode(&bytes).unwrap().0, presence);
    }

    #[test]
    fn no_window_is_too_far_away(windows in prop::collection::vec(any::<u64>(), 1..9)) {
        let mut presence = Presence::default();
        for window in windows {
            presence.note(window, true);
            presence.forget(window / 2);
        }
        prop_assert!(presence.words.len() <= WORDS);
        prop_assert!(presence.falls().count() < 9);
    }
}

#[test]
fn an_outage_is_one_fall() {
    let mut presence = Presence::default();
    (0..1000).for_each(|window| presence.note(window, !(500..560).contains(&window)));
    assert_eq!(presence.falls().collect::<Vec<_>>(), [500]);
    assert_eq!(presence.availability(), Some(0.94));
    assert_eq!(presence.mean_absence(), Some(WINDOW * 60));
}

#[test]
fn what_is_not_known_is_not_told() {
    let mut presence = Presence::default();
    (0..100).for_each(|window| presence.note(window, true));
    assert_eq!(presence.availability(), None, "less than a day");
    assert_eq!(presence.mean_absence(), None, "never away");
    (100..200).for_each(|window| presence.note(window, false));
    (100..200).for_each(|window| presence.forget(window));
    assert_eq!(presence.falls().count(), 0);
    (200..300).for_each(|window| presence.note(window, true));
    assert_eq!(presence.availability(), Some(1.0));
}

#[test]
fn one_answer_makes_a_window_up() {
    let mut presence = Presence::default();
    presence.note(5, true);
    presence.note(5, false);
    assert!(presence.is_up(5));
    assert_eq!(window_at(3599), 5);
}

#[test]
fn a_record_that_is_none_is_refused() {
    let refused = |raw| Presence::try_from(raw).unwrap_err();
    let long = Raw { first: 0, words: vec![(0, 0); WORDS + 1] };
    assert_eq!(refused(long), BadPresence::TooLong);
    assert_eq!(refused(Raw { first: u64::MAX, words: Vec::new() }), BadPresence::TooLong);
    assert_eq!(refused(Raw { first: 0, words: vec![(1, 2)] }), BadPresence::Contradiction);
}
