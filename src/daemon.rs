//! The agent and the engine in this process.

pub mod client;
pub mod control;
mod events;
