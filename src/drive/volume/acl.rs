//! POSIX access control lists, as the kernel stores them in `system.posix_acl_*`, as far as they
//! and the permission bits have to follow each other. The kernel does the checking.

/// The list that decides who may do what.
pub(crate) const ACCESS: &[u8] = b"system.posix_acl_access";
/// The list that new entries of a directory begin with.
pub(crate) const DEFAULT: &[u8] = b"system.posix_acl_default";

const VERSION: u32 = 2;
const USER_OBJ: u16 = 0x01;
const GROUP_OBJ: u16 = 0x04;
const MASK: u16 = 0x10;
const OTHER: u16 = 0x20;
const HEAD: usize = 4;
const ENTRY: usize = 8;

/// A list: tag, permissions and the four bytes of an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Acl(Vec<(u16, u16, [u8; 4])>);

impl Acl {
    /// Reads a list; `None` for what is none.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let (head, rest) = bytes.split_at_checked(HEAD)?;
        if u32::from_le_bytes(head.try_into().ok()?) != VERSION || rest.len() % ENTRY != 0 {
            return None;
        }
        let entry = |bytes: &[u8]| {
            let two = |at: usize| Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
            Some((two(0)?, two(2)?, bytes.get(4..ENTRY)?.try_into().ok()?))
        };
        let entries: Option<Vec<_>> = rest.chunks(ENTRY).map(entry).collect();
        let acl = Self(entries?);
        let has = |tag| acl.0.iter().any(|(one, ..)| *one == tag);
        (has(USER_OBJ) && has(GROUP_OBJ) && has(OTHER)).then_some(acl)
    }

    /// The bytes of the attribute.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = VERSION.to_le_bytes().to_vec();
        for (tag, perm, id) in &self.0 {
            bytes.extend_from_slice(&tag.to_le_bytes());
            bytes.extend_from_slice(&perm.to_le_bytes());
            bytes.extend_from_slice(id);
        }
        bytes
    }

    /// Whether the permission bits say all of it.
    pub(crate) fn is_minimal(&self) -> bool {
        self.0.iter().all(|(tag, ..)| matches!(*tag, USER_OBJ | GROUP_OBJ | OTHER))
    }

    /// The permission bits that go with it.
    pub(crate) fn mode(&self) -> u32 {
        let of = |tag| self.0.iter().find(|(one, ..)| *one == tag).map(|(_, perm, _)| *perm & 7);
        let group = of(MASK).or_else(|| of(GROUP_OBJ)).unwrap_or_default();
        let (user, other) = (of(USER_OBJ).unwrap_or_default(), of(OTHER).unwrap_or_default());
        u32::from(user) << 6 | u32::from(group) << 3 | u32::from(other)
    }

    /// Follows a change of the permission bits.
    pub(crate) fn set_mode(&mut self, mode: u32) {
        let group = if self.0.iter().any(|(tag, ..)| *tag == MASK) { MASK } else { GROUP_OBJ };
        for (tag, perm, _) in &mut self.0 {
            match *tag {
                USER_OBJ => *perm = (mode >> 6 & 7) as u16,
                OTHER => *perm = (mode & 7) as u16,
                one if one == group => *perm = (mode >> 3 & 7) as u16,
                _ => {}
            }
        }
    }

    /// What an entry made with `mode` in a directory with this default list gets: its own list,
    /// unless the bits say all of it, and its bits.
    pub(crate) fn inherited(mut self, mode: u32) -> (Option<Self>, u32) {
        let bits = mode & self.mode();
        self.set_mode(bits);
        let bits = mode & !0o777 | bits;
        if self.is_minimal() { (None, bits) } else { (Some(self), bits) }
    }
}

#[cfg(test)]
mod tests;
