//! Bytes of files: read, written, cut off, given back.
//!
//! What the table does not list of a data file is never looked at, so cutting a file or punching a
//! hole changes the table only; the disk is given back when the table on disk says so as well
//! (`saving`). A commit that reads the file meanwhile gets the bytes as they were (`freeze`).

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use rustix::io::Errno;

use super::attrs::{drop_privileges, has_privileges};
use super::node::{Base, Where};
use super::{Volume, errno};
use crate::drive::ops::{Allocate, Ino, Read, Seek};
use crate::vault::tree::Stamp;

/// Largest file: what the kernel's page cache can address on every system.
const SIZE_LIMIT: u64 = 1 << 60;
/// How old a read time may get before it is renewed although nothing was written, in seconds.
const RELATIME_SECS: i64 = 24 * 3600;

impl Volume {
    pub(super) fn do_read(&self, ino: Ino, at: u64, len: u32) -> Result<Read, Errno> {
        let now = self.now();
        let mut state = self.state();
        let data = state.data_of(ino)?;
        let size = state.get(ino)?.attr.size;
        let end = at.saturating_add(u64::from(len)).min(size);
        if at >= end {
            return Ok(Read::Now(Bytes::new()));
        }
        let parts = data.parts(at, end);
        let base = data.base.clone();
        let file = match data.no {
            Some(no) if parts.iter().any(|part| part.2 == Where::Here) => {
                Some(state.open_data(&self.store, no)?)
            }
            _ => None,
        };
        state.use_now(ino);
        let times = state.get(ino)?.attr;
        let old = now.secs.saturating_sub(times.atime.secs) >= RELATIME_SECS;
        if times.atime <= times.mtime || times.atime <= times.ctime || old {
            state.retouch(ino, |inode| inode.attr.atime = now)?;
        }
        drop(state);
        if let (Some(base), [(.., Where::Base)]) = (&base, parts.as_slice()) {
            return Ok(self.read_base(base, at, end - at));
        }
        let mut bytes = BytesMut::zeroed((end - at) as usize);
        for (from, to, place) in &parts {
            let part = bytes.get_mut((from - at) as usize..(to - at) as usize);
            if let (Where::Here, Some(file), Some(part)) = (place, &file, part) {
                file.read_at(part, *from).map_err(|error| errno(&error))?;
            }
        }
        let far: Vec<_> = parts.into_iter().filter(|part| part.2 == Where::Base).collect();
        match base {
            Some(base) if !far.is_empty() => Ok(self.read_far(base, at, bytes, far)),
            _ => Ok(Read::Now(bytes.freeze())),
        }
    }

    /// Reads what is all on the grid only: nothing is to be put together.
    fn read_base(&self, base: &Base, at: u64, len: u64) -> Read {
        let read = self.far.read(base.content.clone(), base.size, at, len);
        Read::Later(Box::pin(async move {
            let read = read.await?;
            if read.len() as u64 == len { Ok(read) } else { Err(Errno::IO) }
        }))
    }

    /// Fills in what is only on the grid.
    fn read_far(
        &self,
        base: Base,
        at: u64,
        mut bytes: BytesMut,
        parts: Vec<(u64, u64, Where)>,
    ) -> Read {
        let far = Arc::clone(&self.far);
        Read::Later(Box::pin(async move {
            for (from, to, _) in parts {
                let read = far.read(base.content.clone(), base.size, from, to - from).await?;
                let place = bytes.get_mut((from - at) as usize..(to - at) as usize);
                match place {
                    Some(place) if place.len() == read.len() => place.copy_from_slice(&read),
                    _ => return Err(Errno::IO),
                }
            }
            Ok(bytes.freeze())
        }))
    }

    pub(super) fn do_write(
        &self,
        ino: Ino,
        at: u64,
        bytes: &[u8],
        privileged: bool,
    ) -> Result<(), Errno> {
        let end = at.checked_add(bytes.len() as u64).filter(|end| *end <= SIZE_LIMIT);
        let end = end.ok_or(Errno::FBIG)?;
        if bytes.is_empty() {
            return Ok(());
        }
        let _gate = self.gate.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (no, file, frozen, promised) = {
            let mut state = self.state();
            let vital = state.is_vital(ino, at, end)?;
            // From here on it is not clean: nobody drops its bytes to make room.
            state.retouch_data(ino, vital, |data, _| data.changed += 1)?;
            let promised = state.data_of(ino)?.ranges.missing(at, end);
            self.promise(&mut state, promised)?;
            let opened = self.data_file(&mut state, ino);
            let (no, file) = opened.inspect_err(|_| state.promised -= promised)?;
            (no, file, state.frozen.clone(), promised)
        };
        let kept = frozen.map_or(Ok(()), |frozen| frozen.keep(no, &file, at, end));
        let written = kept.and_then(|()| file.write_at(bytes, at));
        let now = self.now();
        let mut state = self.state();
        state.promised -= promised;
        written.map_err(|error| errno(&error))?;
        state.wrote(ino);
        if !privileged && has_privileges(state.get(ino)?) {
            state.change(ino, drop_privileges)?;
        }
        let vital = state.is_vital(ino, at, end)?;
        state.retouch_data(ino, vital, |data, attr| {
            data.wrote(at, end);
            attr.size = attr.size.max(end);
            attr.mtime = now;
            attr.ctime = now;
        })?;
        drop(state);
        self.touched();
        Ok(())
    }

    /// A file's data file, made when it has none.
    fn data_file(
        &self,
        state: &mut super::State,
        ino: Ino,
    ) -> Result<(u64, Arc<store::DataFile>), Errno> {
        let no = if let Some(no) = state.data_of(ino)?.no {
            no
        } else {
            let no = state.next_data;
            state.next_data += 1;
            state.change_data(ino, |data, _| data.no = Some(no))?;
            no
        };
        Ok((no, state.open_data(&self.store, no)?))
    }

    /// Cuts a file off or makes it longer by zeros.
    pub(super) fn resize(&self, ino: Ino, size: u64, unprivileged: bool) -> Result<(), Errno> {
        if size > SIZE_LIMIT {
            return Err(Errno::FBIG);
        }
        let now = self.now();
        // Who writes meanwhile writes to the data file that it found: that one is not to go.
        let _gate = self.gate.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut state = self.state();
        state.data_of(ino)?;
        let old = state.get(ino)?.attr.size;
        let gone = state.change_data(ino, |data, attr| {
            attr.size = size;
            attr.mtime = now;
            attr.ctime = now;
            data.changed += 1;
            if size == 0 {
                // A data file of its own for what comes: the old bytes stay as they are until the
                // table on disk does not name them any more.
                let no = data.no.take();
                *data = super::node::Data { changed: data.changed, ..Default::default() };
                return no;
            }
            if size < old {
                data.erase(size, u64::MAX);
            }
            None
        })?;
        if let Some(no) = gone {
            state.doom(no);
        }
        if unprivileged {
            state.change(ino, drop_privileges)?;
        }
        state.trimmed.insert(ino);
        drop(state);
        self.touched();
        Ok(())
    }

    pub(super) fn do_allocate(
        &self,
        ino: Ino,
        at: u64,
        len: u64,
        how: Allocate,
    ) -> Result<(), Errno> {
        let end = at.checked_add(len).filter(|end| *end <= SIZE_LIMIT).ok_or(Errno::FBIG)?;
        if len == 0 {
            return Err(Errno::INVAL);
        }
        let now = self.now();
        match how {
            Allocate::Reserve { keep_size } => self.reserve(ino, at, end, keep_size, now)?,
            Allocate::Punch | Allocate::Zero { .. } => {
                let grow = how == Allocate::Zero { keep_size: false };
                let mut state = self.state();
                state.data_of(ino)?;
                state.change_data(ino, |data, attr| {
                    data.erase(at, end);
                    data.changed += 1;
                    attr.mtime = now;
                    attr.ctime = now;
                    if grow {
                        attr.size = attr.size.max(end);
                    }
                })?;
                state.trimmed.insert(ino);
            }
        }
        self.touched();
        Ok(())
    }

    /// Makes sure that a range can be written: what reads as zeros takes room from now on. Beyond
    /// the end nothing is kept for a file that does not grow.
    fn reserve(
        &self,
        ino: Ino,
        at: u64,
        end: u64,
        keep_size: bool,
        now: Stamp,
    ) -> Result<(), Errno> {
        let _gate = self.gate.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut state = self.state();
        state.change_data(ino, |data, _| data.changed += 1)?;
        let size = state.get(ino)?.attr.size;
        let end_here = if keep_size { end.min(size) } else { end };
        let parts = state.data_of(ino)?.parts(at.min(end_here), end_here);
        let zeros = parts.into_iter().filter(|part| part.2 == Where::Nowhere);
        let zeros: Vec<(u64, u64)> = zeros.map(|(from, to, _)| (from, to)).collect();
        let more: u64 = zeros.iter().map(|(from, to)| to - from).sum();
        self.promise(&mut state, more)?;
        let reserved = self.data_file(&mut state, ino).and_then(|(no, file)| {
            for (from, to) in &zeros {
                let frozen = state.frozen.clone();
                let kept = frozen.map_or(Ok(()), |frozen| frozen.keep(no, &file, *from, *to));
                let made = kept.and_then(|()| file.allocate(*from, to - from));
                made.map_err(|error| errno(&error))?;
            }
            Ok(())
        });
        state.promised -= more;
        reserved?;
        state.wrote(ino);
        state.change_data(ino, |data, attr| {
            for (from, to) in zeros {
                data.wrote(from, to);
            }
            attr.ctime = now;
            if !keep_size && end > attr.size {
                attr.size = end;
                attr.mtime = now;
            }
        })
    }

    pub(super) fn do_seek(&self, ino: Ino, at: u64, what: Seek) -> Result<u64, Errno> {
        let state = self.state();
        let data = state.data_of(ino)?;
        let size = state.get(ino)?.attr.size;
        if at >= size {
            return Err(Errno::NXIO);
        }
        let parts = data.parts(at, size);
        let wanted = |place: Where| (place == Where::Nowhere) == (what == Seek::Hole);
        let found = parts.into_iter().find(|part| wanted(part.2)).map(|part| part.0);
        match what {
            Seek::Data => found.ok_or(Errno::NXIO),
            Seek::Hole => Ok(found.unwrap_or(size)),
        }
    }
}
