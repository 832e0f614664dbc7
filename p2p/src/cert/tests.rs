//! Tests of the promises of `cert`.
