//! What is mounted, through the kernel: real agents, real FUSE.
//!
//! Needs `/dev/fuse` and the right to mount (root, or `fusermount3`); where that is missing each
//! test says so in one line and promises nothing.

mod coming_back;
mod dav;
mod exercise;
mod following;
mod killed;
mod kit;
mod load;
mod promises;
mod reading;
mod sharing;
mod snapshots;
mod space;
mod vanishing;
mod verified;
mod working;
