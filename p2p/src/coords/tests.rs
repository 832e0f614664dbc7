//! Tests of the coordinates: they converge, liars do not bend them, claims are bounded.

use chunker::Record;
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;

fn ms(ms: f64) -> Duration {
    Duration::from_secs_f64(ms / 1000.0)
}

/// Round trips between nodes in six cities of a plane, each behind a line of its own, and paths
/// that are up to a fifth longer than they would have to be.
struct Matrix {
    rtts: Vec<Vec<f64>>,
}

impl Matrix {
    fn new(nodes: usize, seed: u64) -> Self {
        let mut dice = StdRng::seed_from_u64(seed);
        let mut within = |low: f64, high: f64| low + (high - low) * dice.random::<f64>();
        let cities: Vec<(f64, f64)> =
            (0..6).map(|_| (within(0.0, 160.0), within(0.0, 100.0))).collect();
        let places: Vec<(f64, f64, f64)> = (0..nodes)
            .map(|node| {
                let (x, y) = cities[node % cities.len()];
                (x + within(-8.0, 8.0), y + within(-8.0, 8.0), within(0.5, 12.0))
            })
            .collect();
        let mut rtts = vec![vec![0.0; nodes]; nodes];
        for a in 0..nodes {
            for b in 0..a {
                let ((ax, ay, ah), (bx, by, bh)) = (places[a], places[b]);
                let detour = within(1.0, 1.2);
                rtts[a][b] = (ax - bx).hypot(ay - by) * detour + ah + bh;
                rtts[b][a] = rtts[a][b];
            }
        }
        Self { rtts }
    }
}

/// What a liar tells and how long it waits before it answers a question.
type Lie = fn(&mut StdRng, &Coord, f64) -> (Coord, f64);

/// `rounds` in which each node asks four others. The first `liars` nodes lie. Returns the honest
/// ones' coordinates.
fn converge(matrix: &Matrix, rounds: usize, liars: usize, lie: Lie, seed: u64) -> Vec<Vivaldi> {
    let mut dice = StdRng::seed_from_u64(seed);
    let nodes = matrix.rtts.len();
    let mut all: Vec<Vivaldi> = (0..nodes)
        .map(|n| Vivaldi::new(Coord::start(blake3::hash(&n.to_le_bytes()).as_bytes())))
        .collect();
    for _ in 0..rounds {
        for me in liars..nodes {
            for _ in 0..4 {
                let other = (me + 1 + dice.random_range(0..nodes - 1)) % nodes;
                // The smallest of a few: rarely more than a tenth above the path's own time.
                let jitter = 1.0 + 0.1 * dice.random::<f64>().powi(2);
                let rtt = matrix.rtts[me][other] * jitter;
                let (claimed, rtt) = if other < liars {
                    lie(&mut dice, all[me].coord(), rtt)
                } else {
                    (*all[other].coord(), rtt)
                };
                all[me].update(&claimed, ms(rtt)).unwrap();
            }
        }
    }
    all.split_off(liars)
}

/// The median of how far estimates are off, between all pairs of honest nodes.
fn median_error(matrix: &Matrix, honest: &[Vivaldi]) -> f64 {
    let liars = matrix.rtts.len() - honest.len();
    let mut errors = Vec::new();
    for (a, one) in honest.iter().enumerate() {
        for (b, other) in honest.iter().enumerate().take(a) {
            let true_ms = matrix.rtts[a + liars][b + liars];
            let told = one.coord().distance(other.coord()).as_secs_f64() * 1000.0;
            errors.push((told - true_ms).abs() / true_ms);
        }
    }
    errors.sort_unstable_by(f64::total_cmp);
    errors[errors.len() / 2]
}

fn honest_lie(_: &mut StdRng, _: &Coord, _: f64) -> (Coord, f64) {
    unreachable!("there are no liars")
}

#[test]
fn a_hundred_nodes_find_their_places() {
    for seed in 0..3 {
        let matrix = Matrix::new(100, seed);
        let median = median_error(&matrix, &converge(&matrix, 60, 0, honest_lie, seed));
        assert!(median < 0.15, "seed {seed}: {median}");
    }
}

#[test]
fn the_error_estimate_tells_who_has_found_its_place() {
    let matrix = Matrix::new(50, 1);
    let all = converge(&matrix, 60, 0, honest_lie, 1);
    let mean = all.iter().map(|node| node.coord().error()).sum::<f64>() / all.len() as f64;
    assert!(mean < 0.25, "{mean}");
    assert!(Coord::start(&[0; 32]).error() > 1.0);
}

/// Claims to be sure of a place far away, and answers at once.
fn far_and_sure(_: &mut StdRng, _: &Coord, rtt: f64) -> (Coord, f64) {
    (Coord { x: [BOUND_MS, BOUND_MS, 0.0], height: 0.0, error: 0.0 }, rtt)
}

/// Claims to be next to whoever asks, and answers late.
fn near_and_late(_: &mut StdRng, asker: &Coord, rtt: f64) -> (Coord, f64) {
    (Coord { x: asker.x.map(|x| x + 0.1), height: 0.1, error: 0.0 }, rtt + 3000.0)
}

/// Claims another place each time.
fn anywhere(dice: &mut StdRng, _: &Coord, rtt: f64) -> (Coord, f64) {
    let mut place = || (dice.random::<f64>() - 0.5) * 4000.0;
    (Coord { x: [place(), place(), place()], height: 50.0, error: 0.0 }, rtt)
}

#[test]
fn a_liar_cannot_drag_the_rest() {
    let matrix = Matrix::new(100, 4);
    let lies: [(&str, Lie); 3] =
        [("far", far_and_sure), ("near", near_and_late), ("anywhere", anywhere)];
    let without = median_error(&matrix, &converge(&matrix, 60, 0, honest_lie, 4));
    for (name, lie) in lies {
        for liars in [1, 10] {
            let with = median_error(&matrix, &converge(&matrix, 60, liars, lie, 4));
            let most = if liars == 1 { without * 1.25 } else { 0.25 };
            assert!(with < most, "{liars} {name}: {with}, without {without}");
        }
    }
}

#[test]
fn a_late_liar_does_not_throw_a_settled_node() {
    let matrix = Matrix::new(40, 5);
    let mut node = converge(&matrix, 60, 0, honest_lie, 5).remove(0);
    let before = *node.coord();
    let far = Coord { x: [-BOUND_MS; DIMENSIONS], height: 0.0, error: 0.0 };
    node.update(&far, ms(1.0)).unwrap();
    let moved = length(&node.coord().from(&before));
    assert!(moved < 20.0, "one lie moved it by {moved} ms");
}

#[test]
fn a_stall_is_no_distance() {
    let mut node = Vivaldi::new(Coord::start(&[7; 32]));
    let before = node.clone();
    let stall = LONGEST_RTT + Duration::from_millis(1);
    assert_eq!(node.update(&Coord::start(&[8; 32]), stall), Err(BadRtt::TooLong(stall)));
    assert_eq!(node, before);
}

#[test]
fn two_at_one_place_move_apart() {
    let mut node = Vivaldi::new(Coord::start(&[7; 32]));
    let same = *node.coord();
    for _ in 0..50 {
        node.update(&same, ms(80.0)).unwrap();
    }
    let told = node.coord().distance(&same).as_secs_f64() * 1000.0;
    assert!((told - 80.0).abs() < 10.0, "{told}");
}

/// A message with a coordinate in it.
#[derive(Serialize, Deserialize)]
struct Told<C>(C);

impl<C: Serialize + serde::de::DeserializeOwned> Record for Told<C> {
    const NAME: &'static str = "told";
    const VERSION: u8 = 1;
    const LIMIT: usize = 1 + 1 + 5 * (DIMENSIONS + 2);
}

fn any_coord() -> impl Strategy<Value = Coord> {
    let x = prop::array::uniform3(-BOUND_MS..=BOUND_MS);
    (x, 0.0..=BOUND_MS, 0.0..=MOST_ERROR).prop_map(|(x, height, error)| Coord { x, height, error })
}

proptest! {
    #[test]
    fn a_coordinate_survives_the_wire(coord in any_coord()) {
        let bytes = Told(coord).encode();
        let Told(back) = Told::<Coord>::decode(&bytes).unwrap();
        prop_assert!(back.apart_ms(&coord) - back.height - coord.height < 0.01);
        prop_assert_eq!(Told(back).encode(), bytes);
    }

    #[test]
    fn claims_out_of_bounds_are_not_decoded(
        at in 0..DIMENSIONS + 2,
        bad in prop_oneof![
            Just(f32::NAN), Just(f32::INFINITY), Just(f32::NEG_INFINITY),
            Just(1e30), Just(-10_001.0)
        ],
    ) {
        let mut wire: [f32; DIMENSIONS + 2] = Coord::start(&[3; 32]).into();
        wire[at] = bad;
        prop_assert!(Coord::try_from(wire).is_err());
        prop_assert!(Told::<Coord>::decode(&Told(wire).encode()).is_err());
    }

    #[test]
    fn no_claims_make_a_coordinate_that_cannot_be_sent(
        claims in prop::collection::vec((any_coord(), 0_u64..10_000_000), 1..60),
    ) {
        let mut node = Vivaldi::new(Coord::start(&[1; 32]));
        for (claim, micros) in claims {
            node.update(&claim, Duration::from_micros(micros)).unwrap();
            let wire: [f32; DIMENSIONS + 2] = (*node.coord()).into();
            prop_assert!(Coord::try_from(wire).is_ok(), "{:?}", node.coord());
        }
    }
}
