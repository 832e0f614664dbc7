//! gbak.

pub mod api;
pub mod cli;
pub mod clock;
pub mod config;
pub mod daemon;
pub mod entropy;
pub mod monitor;
pub mod offload;
