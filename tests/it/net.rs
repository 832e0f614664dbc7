//! Several real processes on loopback, each with a home of its own.

mod crash;
mod lending;
mod messages;
mod rig;
mod whole;
