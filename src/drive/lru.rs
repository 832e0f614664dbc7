//! A bounded map that forgets what was not used for longest. Losing an entry costs time only.

use std::collections::BTreeMap;

/// Entries of a size, together below a limit.
#[derive(Debug)]
pub(super) struct Lru<K, V> {
    limit_bytes: usize,
    bytes: usize,
    next_use: u64,
    entries: BTreeMap<K, (V, usize, u64)>,
    by_use: BTreeMap<u64, K>,
}

impl<K: Ord + Clone, V: Clone> Lru<K, V> {
    /// Holds up to so many bytes.
    pub(super) const fn new(limit_bytes: usize) -> Self {
        Self {
            limit_bytes,
            bytes: 0,
            next_use: 0,
            entries: BTreeMap::new(),
            by_use: BTreeMap::new(),
        }
    }

    /// An entry, which becomes the one used last.
    pub(super) fn get(&mut self, key: &K) -> Option<V> {
        let (value, _, used) = self.entries.get_mut(key)?;
        let value = value.clone();
        self.by_use.remove(used);
        *used = self.next_use;
        self.by_use.insert(self.next_use, key.clone());
        self.next_use += 1;
        Some(value)
    }

    /// Keeps an entry, in place of one of the same name and of old ones. One that is larger than
    /// the limit is not kept.
    pub(super) fn put(&mut self, key: K, value: V, bytes: usize) {
        self.remove(&key);
        if bytes > self.limit_bytes {
            return;
        }
        while self.bytes + bytes > self.limit_bytes
            && let Some((_, oldest)) = self.by_use.pop_first()
        {
            self.remove(&oldest);
        }
        self.by_use.insert(self.next_use, key.clone());
        self.entries.insert(key, (value, bytes, self.next_use));
        self.next_use += 1;
        self.bytes += bytes;
    }

    /// Drops everything.
    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.by_use.clear();
        self.bytes = 0;
    }

    /// Drops an entry, if there is one.
    pub(super) fn remove(&mut self, key: &K) {
        if let Some((_, bytes, used)) = self.entries.remove(key) {
            self.by_use.remove(&used);
            self.bytes -= bytes;
        }
    }
}

#[cfg(test)]
mod tests;
