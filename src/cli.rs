//! The command line.

pub mod backend;
mod local;
