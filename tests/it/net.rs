//! Several real processes on loopback, each with a home of its own.

mod care;
mod crash;
mod disks;
mod drill;
mod faults;
mod forget;
mod guardians;
mod index;
mod leaving;
mod lending;
mod limits;
mod measuring;
mod memory;
mod messages;
mod proximity;
mod prune;
mod relay;
mod repair;
mod rewind;
pub(crate) mod rig;
mod risk;
mod scrub;
mod sets;
mod sums;
mod whereabouts;
mod whole;
