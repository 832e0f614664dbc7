//! What was seen outweighs what was assumed, slowly.

use proptest::prelude::*;

use super::*;

const YEAR: Duration = Duration::from_secs(31_557_600);
const DAY: Duration = Duration::from_secs(86_400);

fn here(watched: Duration) -> Past {
    Past { watched, ..Past::default() }
}

fn left(watched: Duration, mended: Option<Duration>) -> Past {
    Past { watched, departed: true, mended }
}

#[test]
fn without_anything_seen_the_assumptions_stand() {
    let none = Churn::default();
    assert!((none.departures() - DEPARTURES).abs() < 1e-12);
    assert_eq!(none.repair(), REPAIR);
    assert!(!none.is_rate_measured() && !none.is_repair_measured());
}

#[test]
fn years_in_which_nobody_left_lower_the_rate_and_departures_raise_it() {
    let calm: Churn = [here(YEAR); 30].into_iter().collect();
    assert!(calm.departures() < 0.04 && calm.is_rate_measured(), "{calm:?}");
    let gone = (0..20).map(|no| if no < 10 { left(YEAR / 2, None) } else { here(YEAR) });
    let wild: Churn = gone.collect();
    // Ten in fifteen years.
    assert!((0.5..0.7).contains(&wild.rate()), "{}", wild.rate());
    // One that left on the first day is not yet a grid in which all leave.
    let unlucky: Churn = [left(DAY, None), here(DAY), here(DAY)].into_iter().collect();
    assert!(unlucky.departures() < 0.55 && !unlucky.is_rate_measured());
}

#[test]
fn the_time_until_repaired_is_the_mean_over_departures() {
    let quick: Churn = [left(YEAR, Some(3 * DAY)); 8].into_iter().collect();
    let days = quick.repair().as_secs_f64() / DAY.as_secs_f64();
    assert!((days - 58.0 / 10.0).abs() < 1e-9 && quick.is_repair_measured(), "{days}");
    assert_eq!([left(YEAR, None); 8].into_iter().collect::<Churn>().repair(), REPAIR);
}

proptest! {
    #[test]
    fn whatever_was_seen_the_figures_can_be_reckoned_with(
        all in prop::collection::vec((any::<u64>(), any::<bool>(), any::<Option<u64>>()), 0..40),
    ) {
        let past = |(watched, departed, mended): (u64, bool, Option<u64>)| Past {
            watched: Duration::from_secs(watched),
            departed,
            mended: mended.map(Duration::from_secs),
        };
        let churn: Churn = all.into_iter().map(past).collect();
        prop_assert!(churn.rate() > 0.0 && churn.rate().is_finite());
        prop_assert!((0.0..=1.0).contains(&churn.departures()));
        prop_assert!(churn.repair() > Duration::ZERO);
    }
}
