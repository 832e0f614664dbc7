//! Making lost data shards again by solving for them.
//!
//! A parity shard is a sum of the data shards, each times a coefficient in GF(2^16). So the lost
//! ones are the unknowns of as many equations as parity shards are used; solved (Gauss-Jordan),
//! they are sums of the shards that are here. The coefficients are what the coder makes of a one,
//! so that they are those of its code whatever it is. For codes of a few shards this is about twice
//! as fast as the coder's own decoding by transforms (Lin, Chung, Han 2014), which is made for
//! thousands of them and needs a work space of several strips; it takes longer the more shards are
//! lost.
//!
//! Elements are the coder's: of every 64 bytes of a shard the first 32 are the low bytes of 32
//! elements, the others their high bytes.

use bytes::Bytes;
use reed_solomon_simd::engine::{GF_MODULUS, Naive, tables};
use reed_solomon_simd::rate::{DefaultRateEncoder, RateEncoder};

use super::{Code, SHARD_STEP};

type Element = u16;

/// Elements in [`SHARD_STEP`] bytes.
const LANES: usize = SHARD_STEP / 2;
/// Lost shards that are made in one pass: their products lie side by side in a table's entries.
const AT_ONCE: usize = 2;

/// Makes the shards of `pack` that are not `here` again, in their places, from those and from as
/// many `parity` shards as are lost, given with their number among the parity shards.
pub(super) fn make_again(
    code: Code,
    pack: &mut [u8],
    here: &[usize],
    parity: &[(usize, Bytes)],
) -> Result<(), reed_solomon_simd::Error> {
    let each = pack.len() / usize::from(code.k);
    let (mut sources, mut lost) = (Vec::new(), Vec::new());
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for (index, shard) in pack.chunks_exact_mut(each).enumerate() {
        if here.contains(&index) {
            sources.push(&*shard);
            known.push(index);
        } else {
            lost.push(shard);
            unknown.push(index);
        }
    }
    let coefficients = coefficients(code)?;
    let of = |indices: &[usize], number: usize| {
        indices.iter().map(|index| coefficients[*index][number]).collect()
    };
    let equations = parity
        .iter()
        .map(|(number, _)| Equation { unknown: of(&unknown, *number), known: of(&known, *number) });
    let solved = solve(equations.collect()).ok_or(reed_solomon_simd::Error::NotEnoughShards {
        original_count: usize::from(code.k),
        original_received_count: known.len(),
        recovery_received_count: parity.len(),
    })?;
    sources.extend(parity.iter().map(|(_, bytes)| bytes.as_ref()));
    for (lost, rows) in lost.chunks_mut(AT_ONCE).zip(solved.chunks(AT_ONCE)) {
        let products = (0..sources.len()).map(|at| Products::of(rows.iter().map(|row| row[at])));
        add_up(&sources, &products.collect::<Vec<_>>(), lost);
    }
    Ok(())
}

/// Of each data shard, its coefficients in the parity shards.
fn coefficients(code: Code) -> Result<Vec<Vec<Element>>, reed_solomon_simd::Error> {
    let (k, m) = (usize::from(code.k), usize::from(code.m));
    // The engine without large tables: there is next to nothing to compute.
    let mut encoder = DefaultRateEncoder::new(k, m, SHARD_STEP, Naive::new(), None)?;
    let (mut one, none) = ([0; SHARD_STEP], [0; SHARD_STEP]);
    one[0] = 1;
    let mut all = Vec::with_capacity(k);
    for index in 0..k {
        for other in 0..k {
            encoder.add_original_shard(if other == index { &one } else { &none })?;
        }
        let coded = encoder.encode()?;
        let element = |shard: &[u8]| Element::from_le_bytes([shard[0], shard[LANES]]);
        all.push(coded.recovery_iter().map(element).collect());
    }
    Ok(all)
}

/// One parity shard: the sum of the unknown and of the known data shards, times these.
struct Equation {
    unknown: Vec<Element>,
    known: Vec<Element>,
}

/// For each unknown, the coefficients of the known shards and of the parity shards, the sum of
/// which it is; none when the equations are too few or do not tell.
fn solve(equations: Vec<Equation>) -> Option<Vec<Vec<Element>>> {
    let count = equations.len();
    // Each row is unknowns, then known shards, then parity shards: their sum is zero.
    let row = |(number, Equation { unknown, known }): (usize, Equation)| {
        let own = (0..count).map(|other| Element::from(other == number));
        unknown.into_iter().chain(known).chain(own).collect()
    };
    let unknowns = equations.first().map_or(0, |equation| equation.unknown.len());
    let mut rows: Vec<Vec<Element>> = equations.into_iter().enumerate().map(row).collect();
    for at in 0..unknowns {
        let pivot = (at..count).find(|row| rows[*row][at] != 0)?;
        rows.swap(at, pivot);
        let factor = inverse(rows[at][at]);
        rows[at].iter_mut().for_each(|element| *element = times(*element, factor));
        let own = rows[at].clone();
        for (_, row) in rows.iter_mut().enumerate().filter(|(other, _)| *other != at) {
            let factor = row[at];
            row.iter_mut().zip(&own).for_each(|(to, from)| *to ^= times(*from, factor));
        }
    }
    Some(rows.into_iter().take(unknowns).map(|mut row| row.split_off(unknowns)).collect())
}

fn times(a: Element, b: Element) -> Element {
    let tables = tables::get_exp_log();
    match b {
        0 => 0,
        b => tables::mul(a, tables.log[usize::from(b)], &tables.exp, &tables.log),
    }
}

/// Of an element that is not 0.
fn inverse(element: Element) -> Element {
    let tables = tables::get_exp_log();
    tables.exp[usize::from(GF_MODULUS - tables.log[usize::from(element)])]
}

/// Sets up to [`AT_ONCE`] shards to the sum of the sources, each times what its products say.
fn add_up(sources: &[&[u8]], products: &[Products], sums: &mut [&mut [u8]]) {
    let sources: Vec<&[[u8; SHARD_STEP]]> =
        sources.iter().map(|source| source.as_chunks().0).collect();
    let mut sums: Vec<&mut [[u8; SHARD_STEP]]> =
        sums.iter_mut().map(|sum| sum.as_chunks_mut().0).collect();
    for at in 0..sums.first().map_or(0, |sum| sum.len()) {
        let mut lanes = [0_u32; LANES];
        for (source, products) in sources.iter().zip(products) {
            products.add(&source[at], &mut lanes);
        }
        for (number, sum) in sums.iter_mut().enumerate() {
            let (low, high) = sum[at].split_at_mut(LANES);
            for ((lane, low), high) in lanes.iter().zip(low).zip(high) {
                [*low, *high] = ((lane >> (16 * number)) as Element).to_le_bytes();
            }
        }
    }
}

/// What each low and each high byte of an element gives, times up to [`AT_ONCE`] coefficients.
struct Products {
    low: [u32; 256],
    high: [u32; 256],
}

impl Products {
    fn of(coefficients: impl Iterator<Item = Element> + Clone) -> Self {
        let times_all = |element: Element| {
            let each = coefficients.clone().map(|factor| u32::from(times(element, factor)));
            each.enumerate().fold(0, |all, (number, one)| all | one << (16 * number))
        };
        let mut products = Self { low: [0; 256], high: [0; 256] };
        for bit in 0..8 {
            let (low, high) = (times_all(1 << bit), times_all(1 << (bit + 8)));
            for below in 0..1 << bit {
                products.low[(1 << bit) + below] = products.low[below] ^ low;
                products.high[(1 << bit) + below] = products.high[below] ^ high;
            }
        }
        products
    }

    /// Adds those of some elements. Eight bytes at a time: fewer loads.
    fn add(&self, elements: &[u8; SHARD_STEP], lanes: &mut [u32; LANES]) {
        let (words, _) = elements.as_chunks::<8>();
        let (low, high) = words.split_at(words.len() / 2);
        for ((lanes, low), high) in lanes.as_chunks_mut::<8>().0.iter_mut().zip(low).zip(high) {
            let (low, high) = (u64::from_le_bytes(*low), u64::from_le_bytes(*high));
            for (at, lane) in lanes.iter_mut().enumerate() {
                let byte = |word: u64| usize::from((word >> (8 * at)) as u8);
                *lane ^= self.low[byte(low)] ^ self.high[byte(high)];
            }
        }
    }
}

#[cfg(test)]
mod tests;
