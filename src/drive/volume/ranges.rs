//! A set of byte positions, as runs that neither touch nor overlap.

use std::collections::BTreeMap;

/// Runs `from..to`, by where they begin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ranges {
    runs: BTreeMap<u64, u64>,
    bytes: u64,
}

impl Ranges {
    /// From runs in any order.
    pub(crate) fn of(runs: &[(u64, u64)]) -> Self {
        let mut ranges = Self::default();
        for (from, to) in runs {
            ranges.insert(*from, *to);
        }
        ranges
    }

    /// How many positions there are.
    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// The runs in order.
    pub(crate) fn runs(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.runs.iter().map(|(from, to)| (*from, *to))
    }

    /// Adds `from..to`.
    pub(crate) fn insert(&mut self, from: u64, to: u64) {
        if from >= to {
            return;
        }
        let (mut first, mut last) = (from, to);
        // Runs that touch become one with it; from the right, so that each look-up is a short one.
        while let Some((at, end)) = self.runs.range(..=to).next_back().map(|(a, e)| (*a, *e))
            && end >= from
        {
            self.runs.remove(&at);
            self.bytes -= end - at;
            first = first.min(at);
            last = last.max(end);
        }
        self.runs.insert(first, last);
        self.bytes += last - first;
    }

    /// Takes `from..to` away.
    pub(crate) fn remove(&mut self, from: u64, to: u64) {
        if from >= to {
            return;
        }
        while let Some((at, end)) = self.runs.range(..to).next_back().map(|(a, e)| (*a, *e))
            && end > from
        {
            self.runs.remove(&at);
            self.bytes -= end - at;
            if at < from {
                self.runs.insert(at, from);
                self.bytes += from - at;
            }
            if end > to {
                self.runs.insert(to, end);
                self.bytes += end - to;
            }
        }
    }

    /// Parts of `from..to` in order, and whether each is in the set.
    pub(crate) fn parts(&self, from: u64, to: u64) -> Vec<(u64, u64, bool)> {
        let mut parts = Vec::new();
        if from >= to {
            return parts;
        }
        let mut at = from;
        let before = self.runs.range(..=from).next_back().filter(|(_, end)| **end > from);
        let after = self.runs.range((std::ops::Bound::Excluded(from), std::ops::Bound::Unbounded));
        for (start, end) in before.into_iter().chain(after.take_while(|(start, _)| **start < to)) {
            let (start, end) = ((*start).max(from), (*end).min(to));
            if start > at {
                parts.push((at, start, false));
            }
            parts.push((start, end, true));
            at = end;
        }
        if at < to {
            parts.push((at, to, false));
        }
        parts
    }

    /// Positions of `from..to` that are not in the set.
    pub(crate) fn missing(&self, from: u64, to: u64) -> u64 {
        let parts = self.parts(from, to).into_iter();
        parts.filter(|(_, _, there)| !there).map(|(from, to, _)| to - from).sum()
    }
}

#[cfg(test)]
mod tests;
