//! gbak: peer-to-peer backup. Your data on other members' unused disk, theirs on yours.
//!
//! # Bird's eye
//!
//! Every install is both source and target. As a source it cuts files into chunks, seals them into
//! packs, codes packs into shards and places the shards on other members' devices along a keyed
//! walk. As a target it keeps others' shards on a shelf in its donated directory. 24 words bring
//! everything back.
//!
//! # Code map
//!
//! | room | what it is |
//! |---|---|
//! | `chunker` (crate) | bytes to shards and back; pure |
//! | `store` (crate) | this machine's disk: shelf, catalog, spool; the only SQL |
//! | `p2p` (crate) | the grid of peers: `Grid` asks, `Service` answers; libp2p, and a simulation |
//! | [`vault`], [`placement`], [`care`] | formats and rules of the owner's side; pure |
//! | [`pool`] | the grid as one disk: what fits after redundancy; pure |
//! | [`flow`] | the verbs: backup, restore, recover |
//! | [`host`] | the target side: answers other members |
//! | [`drive`] | what is on the grid, at a mount point; the only FUSE |
//! | [`daemon`] | the composition root: keys, catalog, shelf and network made into one engine |
//! | [`cli`] | the command line; the only place that prints |
//! | [`simulate`] | years of a grid in virtual time, by the rules of placement and care |
//! | [`mod@bench`] | how fast this machine's processor and disk are at what a backup does |
//! | [`demo`] | the main job on an embedded grid of child processes |
//!
//! [`api`] is what command line and agent say to each other. [`budget`], [`clock`], [`entropy`],
//! [`offload`] and [`monitor`] are what the engine is given instead of global state.
//!
//! # Invariants
//!
//! The engine sees the network through two small traits and knows neither sockets nor clocks, so
//! that the same code runs against thousands of simulated peers in virtual time. Rooms import each
//! other only as `tests/it/tidy.rs` allows. What must always hold of the data is in
//! `docs/ARCHITECTURE.md`.

pub mod api;
pub mod bench;
pub mod budget;
pub mod care;
pub mod cli;
pub mod clock;
pub mod config;
pub mod daemon;
pub mod demo;
pub mod drive;
pub mod entropy;
pub mod flow;
pub mod host;
pub mod monitor;
pub mod offload;
pub mod placement;
pub mod pool;
pub mod simulate;
pub mod vault;
pub mod ward;
