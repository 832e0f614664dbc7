//! Tests of the promises of `rtt`.
