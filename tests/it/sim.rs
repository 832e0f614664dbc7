//! Stories on a simulated grid: the real engine and hosts, virtual time, one seed each.

mod care;
mod faults;
mod forget;
mod full;
mod memory;
mod stories;
mod world;
