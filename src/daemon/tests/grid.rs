//! Promises of two real engines on loopback.
