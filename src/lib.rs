//! gbak.

pub mod monitor;

/// The owner's side.
pub mod vault {
    pub mod tree;
}

/// The verbs.
pub mod flow {
    pub mod scan;
    pub mod target;
}
