//! Tests of the promises of `head`.
