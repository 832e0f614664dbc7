//! gbak.

pub mod api;
pub mod clock;
pub mod entropy;
pub mod monitor;
pub mod offload;
pub mod placement;
pub mod vault;
