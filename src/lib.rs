//! gbak.
