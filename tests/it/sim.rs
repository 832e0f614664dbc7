//! Stories on a simulated grid: the real engine and hosts, virtual time, one seed each.

mod care;
mod cutting;
mod drill;
mod faults;
mod fence;
mod forget;
mod full;
mod guard;
mod health;
mod leases;
mod limits;
mod marks;
mod measured;
mod memory;
mod moving;
mod prune;
mod reading;
mod repair;
mod rewind;
mod risk;
mod salvage;
mod scrub;
mod stale;
mod stories;
mod usage;
mod world;
