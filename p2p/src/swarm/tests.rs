//! Promises of the swarm.
