//! When is a holder gone, and which pack needs mending first? Rules only: no clock, no disk, no
//! network, so that an agent and a simulation of a thousand peers decide by the very same code.
//!
//! How it is used, with any notion of time that counts in seconds:
//!
//! 1. every few minutes [`Standing::look`] is told whether a holder is connected; what to make of
//!    many that are silent at once, [`Crowd::of`] says first;
//! 2. after an audit [`Standing::proved`] is told that a holder showed bytes, and
//!    [`Evidence::add`] what came of each challenge;
//! 3. [`Standing::state`] then says what the holder counts for ([`State::counts`]);
//! 4. of each pack a [`Tally`] is made, [`Policy::wants_repair`] says whether it is due, and packs
//!    that are due are mended in the order of [`days_to_loss`], until [`Tally::counted`] is `n`.
//!
//! What holds: silence of less than [`Rules::presume_after`] moves nothing, however many are
//! silent; time in which we looked at nobody, or nobody answered at all, does not count as silence;
//! whoever was given up counts again only after a proof, so that one who comes and goes cannot
//! start and stop repairs; a shard that comes back is kept, whether or not another was made in its
//! place. Total: nothing here fails.

pub mod churn;
pub mod evidence;
pub mod holder;
pub mod pack;

pub use churn::{Churn, Past};
pub use evidence::{Evidence, Failure, Looks, Score, Verdict};
pub use holder::{Crowd, Rules, Standing, State};
pub use pack::{Grade, Policy, ShardState, Tally, days_to_loss};
