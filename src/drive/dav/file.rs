//! A file that is open for one request.
//!
//! What is put whole goes to a file without a name, which gets it at the end: who reads meanwhile
//! sees the old one, and so does everybody when the sender goes away. A part is written in place.

use std::io::SeekFrom;
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use dav_server::fs::{DavFile, DavMetaData, FsError, FsFuture, OpenOptions};
use futures::FutureExt;
use rustix::io::Errno;

use super::path::Found;
use super::site::{FILE_MODE, Meta};
use super::{PIECE, Shared, fault};
use crate::drive::ops::{Attr, Ino, New, Type};

/// An open file.
#[derive(Debug)]
pub(super) struct Open {
    shared: Arc<Shared>,
    /// What `stat` said.
    attr: Attr,
    at: u64,
    /// Written, not handed on yet; it ends at `at`.
    buffer: BytesMut,
    /// Where a file goes that has no name yet.
    place: Option<(Ino, Vec<u8>)>,
    /// How long it is going to be, if that was said.
    expected: Option<u64>,
}

impl Open {
    pub(super) fn to_read(shared: &Arc<Shared>, found: &Found) -> Result<Self, Errno> {
        let attr = found.there()?;
        if attr.kind != Type::File {
            return Err(Errno::ISDIR);
        }
        Ok(Self::new(shared, attr))
    }

    fn new(shared: &Arc<Shared>, attr: Attr) -> Self {
        // Stays readable when its name goes.
        shared.files.remember(attr.ino);
        Self::remembered(shared, attr)
    }

    fn remembered(shared: &Arc<Shared>, attr: Attr) -> Self {
        let (shared, buffer) = (Arc::clone(shared), BytesMut::new());
        Self { shared, attr, at: 0, buffer, place: None, expected: None }
    }

    pub(super) async fn to_write(
        shared: &Arc<Shared>,
        found: Found,
        options: &OpenOptions,
    ) -> Result<Self, Errno> {
        match found.attr {
            Some(_) if options.create_new => return Err(Errno::EXIST),
            Some(attr) if attr.kind != Type::File => return Err(Errno::ISDIR),
            None if !options.create => return Err(Errno::NOENT),
            _ => {}
        }
        if options.truncate {
            // Better now than after all of it was sent.
            let more = options.size.unwrap_or_default();
            if more > shared.files.space().available {
                return Err(Errno::NOSPC);
            }
            let mut open = Self::remembered(shared, shared.files.unnamed(shared.who)?);
            open.place = Some((found.parent, found.name));
            open.expected = options.size;
            return Ok(open);
        }
        let attr = if let Some(attr) = found.attr {
            attr
        } else {
            let made = shared.work(move |shared| {
                let (kind, mode) = (Type::File, FILE_MODE);
                let new = New { kind, mode, umask: 0, rdev: 0, target: Vec::new() };
                shared.make(found.parent, &found.name, &new)
            });
            made.await?
        };
        let mut open = Self::new(shared, attr);
        open.at = if options.append { attr.size } else { 0 };
        Ok(open)
    }

    /// Hands on what was written, when that is much.
    async fn take(&mut self, bytes: &[u8]) -> Result<(), Errno> {
        for piece in bytes.chunks(PIECE) {
            self.buffer.extend_from_slice(piece);
            self.at += piece.len() as u64;
            if self.buffer.len() >= PIECE {
                self.drain().await?;
            }
        }
        Ok(())
    }

    async fn drain(&mut self) -> Result<(), Errno> {
        let bytes = self.buffer.split().freeze();
        let from = self.at - bytes.len() as u64;
        self.shared.write(self.attr.ino, from, bytes).await
    }

    /// Puts the file where it belongs, durable.
    async fn finish(&mut self) -> Result<(), Errno> {
        if !self.buffer.is_empty() {
            self.drain().await?;
        }
        let (ino, place) = (self.attr.ino, self.place.take());
        if place.is_some() && self.expected.is_some_and(|expected| expected != self.at) {
            return Err(Errno::IO);
        }
        let done = self.shared.work(move |shared| {
            let Some((parent, name)) = place else {
                shared.files.sync(ino)?;
                shared.kernel.bytes(ino);
                return Ok(None);
            };
            let attr = shared.files.place(ino, parent, &name, FILE_MODE)?;
            shared.kernel.bytes(attr.ino);
            shared.kernel.entry(parent, &name);
            shared.files.sync(attr.ino)?;
            Ok(Some(attr))
        });
        let placed = done.await?;
        if let Some(attr) = placed {
            self.shared.files.remember(attr.ino);
            self.shared.files.forget(ino, 1);
            self.attr = attr;
        }
        Ok(())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.shared.files.forget(self.attr.ino, 1);
    }
}

impl DavFile for Open {
    fn metadata(&mut self) -> FsFuture<'_, Box<dyn DavMetaData>> {
        async move {
            let ino = self.attr.ino;
            self.attr = self.shared.ask(|files| files.attr(ino)).await.map_err(fault)?;
            Ok(Box::new(Meta::of(self.attr)) as Box<dyn DavMetaData>)
        }
        .boxed()
    }

    fn write_buf(&mut self, mut buf: Box<dyn Buf + Send>) -> FsFuture<'_, ()> {
        let bytes = buf.copy_to_bytes(buf.remaining());
        self.write_bytes(bytes)
    }

    fn write_bytes(&mut self, buf: Bytes) -> FsFuture<'_, ()> {
        async move { self.take(&buf).await.map_err(fault) }.boxed()
    }

    fn read_bytes(&mut self, count: usize) -> FsFuture<'_, Bytes> {
        async move {
            let len = count.min(PIECE) as u32;
            let bytes = self.shared.read(self.attr.ino, self.at, len).await.map_err(fault)?;
            self.at += bytes.len() as u64;
            Ok(bytes)
        }
        .boxed()
    }

    fn seek(&mut self, pos: SeekFrom) -> FsFuture<'_, u64> {
        async move {
            if !self.buffer.is_empty() {
                self.drain().await.map_err(fault)?;
            }
            self.at = match pos {
                SeekFrom::Start(at) => at,
                SeekFrom::Current(by) => self.at.saturating_add_signed(by),
                SeekFrom::End(by) => self.attr.size.saturating_add_signed(by),
            };
            Ok(self.at)
        }
        .boxed()
    }

    fn flush(&mut self) -> FsFuture<'_, ()> {
        async move { self.finish().await.map_err(fault) }.boxed()
    }

    fn redirect_url(&mut self) -> FsFuture<'_, Option<String>> {
        std::future::ready(Ok::<_, FsError>(None)).boxed()
    }
}
