//! Tests of the promises of `sim`.
