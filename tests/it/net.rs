//! Several real processes on loopback, each with a home of its own.

mod care;
mod crash;
mod drill;
mod faults;
mod forget;
mod guardians;
mod lending;
mod messages;
mod proximity;
mod relay;
pub(crate) mod rig;
mod risk;
mod whole;
