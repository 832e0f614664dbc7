//! Stories on a simulated grid: the real engine and hosts, virtual time, one seed each.

mod forget;
mod full;
mod stories;
mod world;
