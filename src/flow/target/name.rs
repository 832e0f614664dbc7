//! Which names and paths are restored at all.

use super::error::TargetError;

/// Most directories an entry may lie in.
pub const MAX_DEPTH: usize = 20_000;

/// Longest name, in bytes: what Linux file systems take.
const NAME_BYTES: usize = 255;

/// Checks every component, and joins them for messages.
pub(super) fn check(rel: &[Vec<u8>]) -> Result<Vec<u8>, TargetError> {
    if rel.len() > MAX_DEPTH {
        return Err(TargetError::TooDeep { depth: rel.len() });
    }
    let mut path = Vec::with_capacity(rel.len() * 16);
    for name in rel {
        if !is_valid(name) {
            // The bad name alone: as part of a path, `a/b` would look harmless.
            let shown = name.get(..NAME_BYTES.min(name.len())).unwrap_or_default();
            return Err(TargetError::BadName { path: shown.to_vec() });
        }
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(name);
    }
    Ok(path)
}

fn is_valid(name: &[u8]) -> bool {
    !name.is_empty()
        && name.len() <= NAME_BYTES
        && name != b"."
        && name != b".."
        && !name.contains(&b'/')
        && !name.contains(&0)
}
