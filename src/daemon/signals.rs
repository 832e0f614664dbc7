//! SIGINT and SIGTERM: the first asks for an orderly stop, the second ends the process.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::api::codes::{self, Code};

/// What a person or the system asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Ctrl-C.
    Interrupt,
    /// A service manager, or `kill`.
    Terminate,
}

impl Asked {
    /// How a call ends that was stopped by it.
    pub(crate) const fn code(self) -> Code {
        match self {
            Self::Interrupt => codes::INTERRUPTED,
            Self::Terminate => codes::TERMINATED,
        }
    }
}

/// Both signals; while this lives they no longer end the process by themselves.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Listens from now on.
    pub(crate) fn listen() -> io::Result<Self> {
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self { interrupt, terminate: signal(SignalKind::terminate())? })
    }

    /// The next one. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Asked {
        tokio::select! { biased;
            Some(()) = self.interrupt.recv() => Asked::Interrupt,
            Some(()) = self.terminate.recv() => Asked::Terminate,
            // Neither can come any more.
            else => std::future::pending().await,
        }
    }
}

/// Ends the process at once, for somebody who asked twice.
#[expect(clippy::exit, reason = "asked twice: what runs is safe to cut, and must not hold us up")]
pub(crate) fn leave_now(asked: Asked) -> ! {
    std::process::exit(i32::from(asked.code().exit))
}
