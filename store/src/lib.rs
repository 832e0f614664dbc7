//! This machine's disk.
