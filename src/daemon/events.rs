//! From what a verb tells its [`Monitor`] to the [`Event`]s a person or script sees.
//!
//! Invariants: the verb is never held up: figures are added under a short lock and read by whoever
//! listens, at most five times a second; problems and warnings go through a bounded queue, and what
//! does not fit is counted and told as one warning. Nothing is lost for good: every problem is in
//! the verb's report as well.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use crate::api::{Event, PathBytes, ProblemView, Progress};
use crate::monitor::{Counter, Monitor, Problem};

/// Between two figures: five a second are as many as an eye follows.
const PERIOD: Duration = Duration::from_millis(200);
/// Problems and warnings that wait for a slow listener.
const QUEUE: usize = 256;

/// A monitor, and the feed of what it is told.
pub(crate) fn feed() -> (Arc<EventMonitor>, Feed) {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let started = Instant::now();
    let monitor = Arc::new(EventMonitor { sender, started, seen: Mutex::default() });
    let mut ticks = interval_at(started + PERIOD, PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let feed = Feed { monitor: monitor.clone(), receiver, ticks, told: Progress::default() };
    (monitor, feed)
}

/// Adds up what a verb tells.
#[derive(Debug)]
pub(crate) struct EventMonitor {
    sender: mpsc::Sender<Event>,
    started: Instant,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    counts: BTreeMap<Counter, u64>,
    problems: u64,
    /// Events the queue had no room for.
    untold: u64,
    current: String,
}

impl EventMonitor {
    /// The figures so far.
    pub(crate) fn progress(&self) -> Progress {
        let seen = self.seen();
        let count = |counter| seen.counts.get(&counter).copied().unwrap_or_default();
        let (total, done) = (count(Counter::BytesFound), count(Counter::BytesDone));
        Progress {
            seconds_elapsed: self.started.elapsed().as_secs_f64(),
            percent_done: if total == 0 { 0.0 } else { (done as f64 / total as f64).min(1.0) },
            total_files: count(Counter::FilesFound),
            files_done: count(Counter::FilesDone),
            total_bytes: total,
            bytes_done: done,
            bytes_sent: count(Counter::BytesMoved),
            shards_placed: count(Counter::ShardsPlaced),
            shards_wanted: count(Counter::ShardsWanted),
            peers_used: 0,
            error_count: seen.problems,
            current_files: if seen.current.is_empty() {
                Vec::new()
            } else {
                vec![seen.current.clone()]
            },
        }
    }

    fn tell(&self, event: Event) {
        if self.sender.try_send(event).is_err() {
            self.seen().untold += 1;
        }
    }

    fn take_untold(&self) -> u64 {
        std::mem::take(&mut self.seen().untold)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Monitor for EventMonitor {
    fn count(&self, counter: Counter, n: u64) {
        *self.seen().counts.entry(counter).or_default() += n;
    }

    fn problem(&self, problem: &Problem) {
        self.seen().problems += 1;
        self.tell(Event::Error(problem_view(problem)));
    }

    fn warn(&self, message: &str) {
        self.tell(Event::Warning { message: message.to_owned() });
    }

    fn mounted(&self, dir: &Path) {
        self.tell(Event::Mounted { dir: PathBytes(dir.as_os_str().as_bytes().to_vec()) });
    }

    fn serving(&self, url: &str, token: &str) {
        self.tell(Event::Serving { url: url.to_owned(), token: token.to_owned() });
    }

    fn current(&self, path: &[u8]) {
        let mut seen = self.seen();
        seen.current.clear();
        seen.current.push_str(&String::from_utf8_lossy(path));
    }
}

/// What a problem looks like outside.
pub(crate) fn problem_view(problem: &Problem) -> ProblemView {
    let plain = std::str::from_utf8(&problem.item).is_ok();
    ProblemView {
        item: problem.item_lossy(),
        path_b64: (!plain).then(|| base64(&problem.item)),
        message: problem.message.clone(),
    }
}

/// RFC 4648, with padding. For the rare path that is not UTF-8; not worth a crate.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let bits = (0..3).fold(0_u32, |bits, i| {
            bits << 8 | u32::from(three.get(i).copied().unwrap_or_default())
        });
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= three.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

/// The events of one running verb, in the order they are to be shown.
#[derive(Debug)]
pub(crate) struct Feed {
    monitor: Arc<EventMonitor>,
    receiver: mpsc::Receiver<Event>,
    ticks: Interval,
    /// The figures told last.
    told: Progress,
}

impl Feed {
    /// The next event. Cancel-safe; never ends by itself, since the feed holds its monitor.
    pub(crate) async fn next(&mut self) -> Event {
        loop {
            tokio::select! { biased;
                Some(event) = self.receiver.recv() => return event,
                _ = self.ticks.tick() => {
                    if let Some(event) = self.news() {
                        return event;
                    }
                }
            }
        }
    }

    /// What is still untold when the verb has ended: queued events, then the last figures.
    pub(crate) fn rest(&mut self) -> Vec<Event> {
        let mut events: Vec<_> = std::iter::from_fn(|| self.receiver.try_recv().ok()).collect();
        events.extend(self.news());
        events.extend(self.news());
        events
    }

    fn news(&mut self) -> Option<Event> {
        let untold = self.monitor.take_untold();
        if untold > 0 {
            let message = format!("{untold} more problems; all are listed at the end");
            return Some(Event::Warning { message });
        }
        let progress = self.monitor.progress();
        let old = Progress { seconds_elapsed: progress.seconds_elapsed, ..self.told.clone() };
        if old == progress {
            return None;
        }
        self.told = progress.clone();
        Some(Event::Status(progress))
    }
}

#[cfg(test)]
mod tests;
