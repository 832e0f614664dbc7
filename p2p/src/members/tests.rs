//! Tests of the promises of `members`.
