//! Weights with which a grid fills up evenly, large peers and small ones alike.
//!
//! A walk draws peers by weight. With free space as the weight a grid does not fill evenly: a lane
//! puts as much on a small peer as on a large one as long as it keeps them, so that small ones get
//! too much or nothing by the luck of few lanes; and of twenty different peers, even the largest is
//! drawn only once. (Measured with 200 peers of 10 GB to 10 TB at 80 %: free space misses by 21 %
//! in the 95th percentile; see docs/decisions.) So the weight is what a peer lacks of being a
//! little ahead of the whole grid:
//!
//! ```text
//! lacks  = capacity * min(1, fill of the grid + AHEAD) - used     at least 0, at most what is free
//! weight = lacks * min(1, lacks / (capacity * 2 AHEAD))
//! ```
//!
//! In an empty grid that is proportional to capacity. Later, who is ahead waits, who is behind is
//! drawn more, and nobody else moves. The second factor is for the small: they are drawn so seldom
//! that with the first alone some fall far behind before it is their turn.
//!
//! A weight is looked at once in a run, and a lane puts whole packs where it was drawn: more on a
//! small peer than it lacked. So whoever got ahead in the run itself ([`Fill::is_ahead`]) comes
//! after the others for what is left of it; the sequence stays as it is.
//!
//! Exact integers, so that every device computes the same. Total.

#[cfg(test)]
mod tests;

/// How far ahead of the grid's fill peers are filled, in 65536ths: 3 %. With less, a lane would
/// change holders with every few packs; with more, the fill would differ by as much.
pub const AHEAD: u128 = 65_536 * 3 / 100;

const FULL: u128 = 65_536;

/// What a peer has taken and can still take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Taken by shards.
    pub used_bytes: u64,
    /// What new shards may take, by audits rather than by promise.
    pub free_bytes: u64,
}

impl Room {
    /// The same peer when it has taken so much more; at most what is free.
    #[must_use]
    pub fn with(self, bytes: u64) -> Self {
        let bytes = bytes.min(self.free_bytes);
        Self {
            used_bytes: self.used_bytes.saturating_add(bytes),
            free_bytes: self.free_bytes - bytes,
        }
    }

    fn capacity(&self) -> u128 {
        u128::from(self.used_bytes) + u128::from(self.free_bytes)
    }
}

/// How full a grid is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fill {
    /// How full a peer gets before it waits for the others, in 65536ths.
    target: u128,
}

impl Fill {
    /// The fill of a grid of these peers.
    pub fn of(rooms: impl IntoIterator<Item = Room>) -> Self {
        let (mut used, mut capacity) = (0_u128, 0_u128);
        for room in rooms {
            used += u128::from(room.used_bytes);
            capacity += room.capacity();
        }
        let fill = used * FULL / capacity.max(1);
        Self { target: (fill + AHEAD).min(FULL) }
    }

    /// The weight of a peer in walks: the `free_bytes` of its [`Candidate`]. 0 while it is ahead of
    /// the others; such a peer comes after all others in a walk, and can still be used.
    ///
    /// [`Candidate`]: crate::placement::Candidate
    pub fn weight(&self, room: Room) -> u64 {
        let lacks = u128::from(self.lacks(room));
        let urgent = (room.capacity() * 2 * AHEAD / FULL).max(1);
        let weight = (lacks * lacks.min(urgent) / urgent).max(lacks.min(1));
        u64::try_from(weight).unwrap_or(u64::MAX)
    }

    /// What a peer can take before it is ahead of the others.
    pub fn lacks(&self, room: Room) -> u64 {
        let wanted = room.capacity() * self.target / FULL;
        let lacks = wanted.saturating_sub(u128::from(room.used_bytes));
        u64::try_from(lacks).unwrap_or(u64::MAX).min(room.free_bytes)
    }

    /// Whether it is the turn of others.
    pub fn is_ahead(&self, room: Room) -> bool {
        self.lacks(room) == 0
    }
}
