//! Properties that clients give to files and directories. Each is an extended attribute
//! (`user.webdav.{NAMESPACE}NAME`, its value the element as it was sent), so that it goes where the
//! file goes: through copies, renames and commits.
//!
//! All of a request's changes are made, or none. Anybody may write such an attribute at the mount
//! point: what is nested too deep to be read is not shown.

use std::sync::Arc;

use dav_server::fs::DavProp;
use http::StatusCode;
use rustix::io::Errno;

use super::transfer::at_once;
use super::{Shared, is_shallow};
use crate::drive::ops::{Ino, XattrHow};

/// What the attributes' names begin with.
const PREFIX: &[u8] = b"user.webdav.";

/// What becomes of each property.
pub(super) type Patched = Vec<(StatusCode, DavProp)>;

fn attribute(prop: &DavProp) -> Vec<u8> {
    let namespace = prop.namespace.as_deref().unwrap_or_default();
    [PREFIX, b"{", namespace.as_bytes(), b"}", prop.name.as_bytes()].concat()
}

fn property(attribute: &[u8], xml: Vec<u8>) -> Option<DavProp> {
    let name = std::str::from_utf8(attribute.strip_prefix(PREFIX)?).ok()?;
    let (namespace, name) = name.strip_prefix('{')?.rsplit_once('}')?;
    let namespace = Some(namespace.to_owned()).filter(|name| !name.is_empty());
    is_shallow(&xml).then(|| DavProp {
        name: name.to_owned(),
        prefix: None,
        namespace,
        xml: Some(xml),
    })
}

fn status(errno: Errno) -> StatusCode {
    match errno {
        Errno::RANGE | Errno::NOSPC | Errno::DQUOT => StatusCode::INSUFFICIENT_STORAGE,
        _ => StatusCode::FORBIDDEN,
    }
}

impl Shared {
    /// The properties that somebody gave it.
    pub(super) async fn props(self: &Arc<Self>, ino: Ino) -> Result<Vec<DavProp>, Errno> {
        let mut all = Vec::new();
        for name in self.ask(|files| files.xattr_names(ino)).await? {
            if name.starts_with(PREFIX) {
                let xml = self.ask(|files| files.xattr(ino, &name)).await?;
                all.extend(property(&name, xml));
            }
        }
        Ok(all)
    }

    /// Sets properties and takes others away: all, durably, or none.
    pub(super) fn patch(&self, ino: Ino, patch: Vec<(bool, DavProp)>) -> Result<Patched, Errno> {
        let mut undo = Vec::new();
        let mut failed = None;
        for (at, (set, prop)) in patch.iter().enumerate() {
            let name = attribute(prop);
            let before = at_once(self.files.xattr(ino, &name)).ok();
            let after = prop.xml.as_deref().filter(|_| *set);
            match self.set(ino, &name, after, before.is_some()) {
                Ok(()) => undo.push((name, before)),
                Err(errno) => {
                    failed = Some((at, status(errno)));
                    break;
                }
            }
        }
        if failed.is_some() {
            for (name, before) in undo.into_iter().rev() {
                self.set(ino, &name, before.as_deref(), true)?;
            }
        } else {
            self.files.sync(ino)?;
        }
        self.kernel.attr(ino);
        let answers = patch.into_iter().enumerate().map(|(at, (_, prop))| {
            let status = match failed {
                Some((bad, status)) if bad == at => status,
                Some(_) => StatusCode::FAILED_DEPENDENCY,
                None => StatusCode::OK,
            };
            (status, DavProp { xml: None, ..prop })
        });
        Ok(answers.collect())
    }

    /// Gives an attribute this value, or none.
    fn set(&self, ino: Ino, name: &[u8], to: Option<&[u8]>, is_there: bool) -> Result<(), Errno> {
        match to {
            Some(value) => self.files.set_xattr(ino, name, value, XattrHow::Either),
            None if is_there => match self.files.remove_xattr(ino, name) {
                Err(Errno::NODATA) => Ok(()),
                done => done,
            },
            None => Ok(()),
        }
    }
}
