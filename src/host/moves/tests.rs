//! Promises of giving back, over a shelf in memory.
