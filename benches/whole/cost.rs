//! What a command costs: time on the wall, processor time, and the most memory it had.
//!
//! Processor time is the figure to compare where other programs run beside.

use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use tokio::time::Instant;

use crate::Failure;

/// How often a running command's memory is looked at: what it needs for less may be missed.
const LOOK: Duration = Duration::from_millis(10);
/// Linux counts processor time in these.
const TICKS: f64 = 100.0;

/// What one command took.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cost {
    pub(crate) wall: f64,
    pub(crate) cpu: f64,
    pub(crate) peak_mb: f64,
}

/// Runs a command to its end; `fine` says which exit codes are no failure.
pub(crate) fn run(command: &mut Command, fine: &[i32]) -> Result<Cost, Failure> {
    // What others left to be written is not to be waited for by who makes sure of its own.
    rustix::fs::sync();
    let before = children_cpu()?;
    let started = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
    let (pid, (ended, end)) = (child.id(), mpsc::channel());
    let mut peak = 0.0_f64;
    let status = std::thread::scope(|scope| {
        let waiting = scope.spawn(move || {
            let status = child.wait();
            // The other end listens until this is sent.
            let _nobody = ended.send(());
            status
        });
        while let Err(RecvTimeoutError::Timeout) = end.recv_timeout(LOOK) {
            peak = peak.max(peak_mb(pid).unwrap_or_default());
        }
        waiting.join()
    });
    let wall = started.elapsed().as_secs_f64();
    let code = status.map_err(|_panicked| "waiting failed")??.code();
    if code.is_none_or(|code| !fine.contains(&code)) {
        return Err(format!("{command:?}: exit {code:?}").into());
    }
    Ok(Cost { wall, cpu: children_cpu()? - before, peak_mb: peak })
}

/// The most memory a process ever had, in MB; none when it is gone.
pub(crate) fn peak_mb(pid: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().split(' ').next()?.parse().ok()?;
    Some(kib * 1024.0 / 1e6)
}

/// Processor time of a process, in seconds.
pub(crate) fn own_cpu(pid: u32) -> Result<f64, Failure> {
    stat(&format!("/proc/{pid}/stat"), 11)
}

/// Processor time of all that were waited for, in seconds.
fn children_cpu() -> Result<f64, Failure> {
    stat("/proc/self/stat", 13)
}

/// Time that all processors together had nothing to do, or waited for a disk, in seconds.
pub(crate) fn idle() -> Result<f64, Failure> {
    let text = std::fs::read_to_string("/proc/stat")?;
    let all = text.lines().next().ok_or("no processors")?;
    let ticks = all.split_whitespace().skip(4).take(2).map(str::parse::<f64>);
    Ok(ticks.sum::<Result<f64, _>>()? / TICKS)
}

/// Two neighbouring counts of ticks. The name before them may have spaces; it ends in `)`.
fn stat(path: &str, first: usize) -> Result<f64, Failure> {
    let text = std::fs::read_to_string(path)?;
    let (_, fields) = text.rsplit_once(')').ok_or("no process state")?;
    let ticks = fields.split_whitespace().skip(first).take(2).map(str::parse::<f64>);
    Ok(ticks.sum::<Result<f64, _>>()? / TICKS)
}
