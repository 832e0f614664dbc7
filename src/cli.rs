//! The command line.

pub mod backend;
