//! A random part of a restore: some files, and the directories they lie in.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Planned, PlannedDirs, PlannedFile, Spot};

/// How much of a restore is wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// Files at most.
    pub(crate) files: usize,
    /// Bytes of them at most.
    pub(crate) bytes: u64,
    /// Decides which.
    pub(crate) seed: [u8; 32],
}

impl Sample {
    /// Where a file stands in the draw. Uniform: who does not know the seed cannot prepare for it.
    fn rank(&self, index: usize) -> [u8; 32] {
        *blake3::keyed_hash(&self.seed, &(index as u64).to_le_bytes()).as_bytes()
    }

    /// Files in the order drawn, without those that would go over the limit of bytes.
    fn draw(&self, files: Vec<PlannedFile>) -> Vec<PlannedFile> {
        let mut files: Vec<_> = files.into_iter().enumerate().collect();
        files.sort_by_cached_key(|(index, _)| self.rank(*index));
        let mut left = self.bytes;
        let fits = |(_, file): &(usize, PlannedFile)| match left.checked_sub(file.size) {
            Some(rest) => {
                left = rest;
                true
            }
            None => false,
        };
        let mut drawn: Vec<_> = files.into_iter().filter(fits).take(self.files).collect();
        // Tree order again: neighbours lie in the same packs.
        drawn.sort_by_key(|(index, _)| *index);
        drawn.into_iter().map(|(_, file)| file).collect()
    }
}

impl Planned {
    /// Only the files that were drawn, and the directories above them. What refers to other files
    /// is left out.
    pub(in crate::flow::restore) fn sampled(self, sample: &Sample) -> Self {
        let mut files = sample.draw(self.files);
        let mut dirs =
            Kept { old: &self.dirs, new: PlannedDirs::default(), numbers: BTreeMap::new() };
        for file in &mut files {
            file.spot.dir = file.spot.dir.and_then(|dir| dirs.keep(dir));
        }
        Self { dirs: Arc::new(dirs.new), files, problems: self.problems, ..Self::default() }
    }
}

/// Directories being numbered anew.
struct Kept<'a> {
    old: &'a PlannedDirs,
    new: PlannedDirs,
    numbers: BTreeMap<u32, Option<u32>>,
}

impl Kept<'_> {
    /// The new number of a directory, which is kept together with all above it.
    fn keep(&mut self, number: u32) -> Option<u32> {
        let mut way = Vec::new();
        let mut next = Some(number);
        // Parents come before children, so the numbers only fall.
        while let Some(number) = next.filter(|number| !self.numbers.contains_key(number)) {
            way.push(number);
            next = self.old.0.get(number as usize).and_then(|(spot, _)| spot.dir);
        }
        for number in way.into_iter().rev() {
            let Some((spot, meta)) = self.old.0.get(number as usize) else { continue };
            let dir = spot.dir.and_then(|dir| self.numbers.get(&dir).copied().flatten());
            let made = self.new.push(Spot { dir, name: spot.name.clone() }, meta.clone());
            self.numbers.insert(number, made);
        }
        self.numbers.get(&number).copied().flatten()
    }
}

#[cfg(test)]
mod tests;
