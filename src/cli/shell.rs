//! Where a command's words go: results to stdout, everything else to stderr.
//!
//! A reader that went away (`gbak ls | head`) is no failure: what follows is dropped and the exit
//! code stays what the command made it. Any other failed write to stdout is one.

use std::io::{self, ErrorKind, Write};

use indicatif::MultiProgress;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::json;
use super::output::Units;
use super::progress::Pace;
use super::prompts::Ask;
use crate::api::{Failure, codes};

/// How things are shown.
#[derive(Debug, Clone)]
pub(crate) struct Look {
    /// JSON instead of text.
    pub(crate) json: bool,
    /// Results and errors only.
    pub(crate) quiet: bool,
    /// How sizes are written.
    pub(crate) units: Units,
    /// The time that ages are counted from.
    pub(crate) now: Timestamp,
    /// Where times are shown.
    pub(crate) zone: TimeZone,
    /// How progress is shown.
    pub(crate) pace: Pace,
}

/// The two streams, how to write to them, and whom to ask.
pub(crate) struct Shell<'a> {
    out: Box<dyn Write + 'a>,
    err: Box<dyn Write + 'a>,
    /// How things are shown.
    pub(crate) look: Look,
    /// Answers questions.
    pub(crate) ask: Box<dyn Ask + 'a>,
    /// Bars, which lines on stderr must not tear.
    pub(crate) bars: MultiProgress,
}

impl<'a> Shell<'a> {
    /// Writes to these streams.
    pub(crate) fn new(
        out: impl Write + 'a,
        err: impl Write + 'a,
        look: Look,
        ask: Box<dyn Ask + 'a>,
        bars: MultiProgress,
    ) -> Self {
        Self { out: Box::new(out), err: Box::new(err), look, ask, bars }
    }

    /// A result, with a line end.
    pub(crate) fn print(&mut self, text: &str) -> Result<(), Failure> {
        let written = writeln!(self.out, "{text}").and_then(|()| self.out.flush());
        match written {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                Err(codes::OUTPUT.failure(format!("Cannot write the result to stdout: {error}")))
            }
            _ => Ok(()),
        }
    }

    /// A result that is a document of its own.
    pub(crate) fn print_json(&mut self, document: &impl Serialize) -> Result<(), Failure> {
        let line = json::line(document)?;
        self.print(&line)
    }

    /// A line of a long command's JSON.
    pub(crate) fn print_message(
        &mut self,
        kind: &str,
        document: &impl Serialize,
    ) -> Result<(), Failure> {
        let line = json::message(kind, document)?;
        self.print(&line)
    }

    /// A result, unless only errors are wanted.
    pub(crate) fn say(&mut self, text: &str) -> Result<(), Failure> {
        if self.look.quiet { Ok(()) } else { self.print(text) }
    }

    /// A line beside the result. When stderr is closed there is nobody to tell.
    pub(crate) fn note(&mut self, text: &str) {
        let _nobody = writeln!(self.err, "{text}").and_then(|()| self.err.flush());
    }
}

impl std::fmt::Debug for Shell<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shell").field("look", &self.look).finish_non_exhaustive()
    }
}

/// Stderr, with bars taken away while something is written.
#[derive(Debug, Clone)]
pub(crate) struct BesideBars(pub(crate) MultiProgress);

impl Write for BesideBars {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Whole lines at once: the caller's buffer is written out before a bar comes back.
        self.0.suspend(|| io::stderr().write_all(bytes)).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
