//! The composition root: keys, settings, disk and network made into one engine, run by an agent or
//! for one command.
//!
//! ```text
//! backend  what the command line calls: the agent when one answers, else an engine right here
//!   client   asks the agent over its socket
//!   setup    makes a home: init, join, recover
//!   duties   the agent: control socket, catching up, signals
//!     control  the socket's server
//!   engine   one home in use: catalog, shelf, host, swarm
//!     calls    carries a `Call` out on it; views: what its reports look like outside
//!     disks    the lent disks as the settings name them; watch: looks at them every few seconds
//!     roster   remembers the grid's devices across restarts; regulator: which limits hold now
//!     measuring  who is here when, looked at every few minutes
//!     mounts   which drives are mounted where, across restarts
//!     policy   the owner's policy of placement, from settings and calls
//!   events   a verb's progress as a feed; failure: every error as a code, an exit and a sentence
//! ```
//!
//! Invariants: the only room that names the real clock, the system's randomness and the libp2p grid
//! together; one engine per home, by its lock, which is taken first and given back last.
//!
//! Order of a stop: no new calls; running ones are cancelled in good order and waited for; duties
//! end; the network goes down; the roster is saved; the lock is given back. Every write below is
//! durable when it is acknowledged, so a kill at any point of this loses nothing.

mod absence;
pub mod backend;
mod calls;
pub mod client;
pub mod control;
mod disks;
mod drives;
pub mod duties;
pub mod engine;
mod events;
pub mod failure;
mod following;
mod guarding;
mod hearing;
mod keys;
mod measuring;
mod mounts;
mod patience;
mod policy;
mod regulator;
mod roster;
mod serving;
pub mod setup;
mod signals;
mod turns;
mod views;
mod watch;

pub use backend::LocalBackend;
pub use engine::{Engine, EngineError, Opening};

#[cfg(test)]
mod tests;
