//! Randomness, passed in: the operating system's in production, seeded in a simulation.

use std::sync::Mutex;

/// A source of unpredictable bytes.
pub trait Entropy: Send + Sync + 'static {
    /// 32 fresh bytes.
    fn bytes32(&self) -> [u8; 32];
}

/// The operating system's generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    fn bytes32(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        let filled = getrandom::fill(&mut bytes);
        assert!(
            filled.is_ok(),
            "the operating system gives random bytes; without them no key is safe"
        );
        bytes
    }
}

/// Bytes that follow from a seed: BLAKE3 in counter mode. Only for simulations and tests.
#[derive(Debug)]
pub struct SeededEntropy {
    key: [u8; 32],
    count: Mutex<u64>,
}

impl SeededEntropy {
    /// The sequence of this seed.
    pub fn new(seed: u64) -> Self {
        Self { key: *blake3::hash(&seed.to_le_bytes()).as_bytes(), count: Mutex::new(0) }
    }
}

impl Entropy for SeededEntropy {
    fn bytes32(&self) -> [u8; 32] {
        let mut count = self.count.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *count += 1;
        *blake3::keyed_hash(&self.key, &count.to_le_bytes()).as_bytes()
    }
}

/// The first `N` of 32 fresh bytes.
pub fn bytes<const N: usize>(entropy: &dyn Entropy) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&entropy.bytes32()[..N]);
    out
}
