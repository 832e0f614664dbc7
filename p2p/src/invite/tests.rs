//! Tests of the promises of `invite`.
