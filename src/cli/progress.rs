//! Progress of a running call: bars at a terminal, now and then a line elsewhere, JSON lines.
//!
//! Time is the call's own (`seconds_elapsed`), so what is shown depends on events alone. An agent
//! may send as many events as it likes; no more than the pace are shown.

use indicatif::{ProgressBar, ProgressStyle};

use super::exit;
use super::output::{self, escape, plural};
use super::shell::Shell;
use crate::api::{Event, PathBytes, ProblemView, Progress};

/// Frames a second at most: more cannot be read and cost a slow terminal time.
const MAX_FPS: f64 = 5.0;
/// Seconds before anything is shown, so that short work stays silent.
const QUIET_SECONDS: f64 = 0.5;
/// Seconds before a remaining time is guessed.
const GUESS_SECONDS: f64 = 5.0;
/// Seconds between lines when nobody watches.
const LINE_SECONDS: f64 = 30.0;
/// Letters of a file name that fit beside nothing else on a common terminal.
const FILE_WIDTH: usize = 72;

/// How, and how often, progress is shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Pace {
    /// Not at all.
    None,
    /// Bars, at least so many seconds apart.
    Bars(f64),
    /// Lines on stderr.
    Lines(f64),
    /// JSON lines on stdout.
    Json(f64),
}

/// What decides the pace.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish {
    /// `--quiet` or `--no-progress`.
    pub(crate) none: bool,
    /// `--json`.
    pub(crate) json: bool,
    /// Whether stderr is a terminal.
    pub(crate) tty: bool,
    /// `GBAK_PROGRESS_FPS`: as in restic, it also brings progress back without a terminal.
    pub(crate) fps: Option<f64>,
}

impl Pace {
    /// The pace for these wishes.
    pub(crate) fn of(wish: Wish) -> Self {
        let fps = wish.fps.filter(|fps| *fps > 0.0);
        let apart = 1.0 / fps.unwrap_or(MAX_FPS).min(MAX_FPS);
        match wish {
            Wish { none: true, .. } => Self::None,
            Wish { json: true, .. } => Self::Json(apart),
            Wish { tty: true, .. } => Self::Bars(apart),
            _ => Self::Lines(fps.map_or(LINE_SECONDS, |_said| apart)),
        }
    }
}

/// What kind of work is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Job {
    /// Bytes go to holders; JSON comes in lines.
    Send,
    /// Bytes come from holders; JSON comes in lines.
    Fetch,
    /// Nothing moves by itself; JSON comes in lines.
    Mount,
    /// The JSON is one document, which nothing else on stdout may spoil.
    Look,
}

/// Shows one call's events.
pub(crate) struct Watch<'s, 'a> {
    shell: &'s mut Shell<'a>,
    job: Job,
    shown_at: Option<f64>,
    bar: Option<ProgressBar>,
}

impl<'s, 'a> Watch<'s, 'a> {
    /// Shows nothing yet.
    pub(crate) fn new(shell: &'s mut Shell<'a>, job: Job) -> Self {
        Self { shell, job, shown_at: None, bar: None }
    }

    /// Shows an event, or not. A reader that went away does not stop the work.
    pub(crate) fn see(&mut self, event: Event) {
        match event {
            Event::Status(progress) => self.status(&progress),
            Event::Error(problem) if self.shell.look.json => self.json_note("error", &problem),
            Event::Error(problem) => self.shell.note(&problem_line(&problem)),
            Event::Warning { message } if self.shell.look.json => {
                let warning = Warning { message: &message };
                match self.job {
                    Job::Look => self.json_note("warning", &warning),
                    Job::Send | Job::Fetch | Job::Mount => {
                        drop(self.shell.print_message("warning", &warning));
                    }
                }
            }
            Event::Warning { message } if !self.shell.look.quiet => {
                self.shell.note(&format!("note: {}", escape(&message)));
            }
            Event::Warning { .. } => {}
            Event::Mounted { dir } => self.mounted(&dir),
            Event::Serving { url, token } => self.serving(&url, &token),
        }
    }

    fn mounted(&mut self, dir: &PathBytes) {
        // A reader that went away does not unmount.
        drop(if self.shell.look.json {
            self.shell.print_message("mounted", &Mounted { dir })
        } else {
            let dir = output::path(dir);
            self.shell.say(&format!("Mounted at {dir}; Ctrl-C or gbak unmount ends it"))
        });
    }

    fn serving(&mut self, url: &str, token: &str) {
        // A reader that went away does not end it.
        drop(if self.shell.look.json {
            self.shell.print_message("serving", &Serving { url, token })
        } else {
            self.shell.say(&format!("Serving at {}; Ctrl-C ends it", escape(url)))
        });
    }

    fn json_note(&mut self, kind: &str, document: &impl serde::Serialize) {
        match super::json::message(kind, document) {
            Ok(line) => self.shell.note(&line),
            Err(failure) => exit::tell(self.shell, &failure),
        }
    }

    fn status(&mut self, progress: &Progress) {
        let (apart, first) = match self.shell.look.pace {
            Pace::None => return,
            Pace::Json(_) if self.job == Job::Look => return,
            Pace::Bars(apart) => (apart, QUIET_SECONDS),
            Pace::Lines(apart) => (apart, apart),
            Pace::Json(apart) => (apart, 0.0),
        };
        let now = progress.seconds_elapsed;
        if now < self.shown_at.map_or(first, |shown| shown + apart) {
            return;
        }
        self.shown_at = Some(now);
        match self.shell.look.pace {
            Pace::Bars(_) => self.draw(progress),
            Pace::Json(_) => {
                let line = Line { progress, seconds_remaining: remaining(progress) };
                drop(self.shell.print_message("status", &line));
            }
            _ => {
                let line = one_line(progress, self.job, &self.shell.look);
                self.shell.note(&line);
            }
        }
    }

    fn draw(&mut self, progress: &Progress) {
        let text = bar_text(progress, self.job, &self.shell.look);
        let bars = &self.shell.bars;
        let bar = self.bar.get_or_insert_with(|| {
            let bar = bars.add(ProgressBar::new(1000));
            // The template is a constant that a test compiles.
            if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
                bar.set_style(style);
            }
            bar
        });
        bar.set_position((progress.percent_done.clamp(0.0, 1.0) * 1000.0) as u64);
        bar.set_message(text);
    }
}

impl Drop for Watch<'_, '_> {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// What stands around the bar.
const TEMPLATE: &str = "{bar:20} {msg}";

#[derive(serde::Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    progress: &'a Progress,
    seconds_remaining: Option<u64>,
}

#[derive(serde::Serialize)]
struct Warning<'a> {
    message: &'a str,
}

#[derive(serde::Serialize)]
struct Mounted<'a> {
    dir: &'a PathBytes,
}

#[derive(serde::Serialize)]
struct Serving<'a> {
    url: &'a str,
    token: &'a str,
}

/// `error: /etc/shadow: cannot be read`.
pub(crate) fn problem_line(problem: &ProblemView) -> String {
    format!("error: {}: {}", escape(&problem.item), escape(&problem.message))
}

/// Figures, as far as something is known.
fn figures(progress: &Progress, job: Job, look: &super::shell::Look) -> Vec<String> {
    let size = |bytes| look.units.size(bytes);
    let mut parts = vec![format!("{:.0}%", progress.percent_done.clamp(0.0, 1.0) * 100.0)];
    parts.push(format!("{} of {}", size(progress.bytes_done), size(progress.total_bytes)));
    parts.push(format!("{} of {} files", progress.files_done, progress.total_files));
    let word = if job == Job::Send { "sent" } else { "received" };
    parts.push(format!("{word} {}", size(progress.bytes_sent)));
    if progress.shards_wanted > 0 {
        parts.push(format!("{} of {} shards", progress.shards_placed, progress.shards_wanted));
    }
    if progress.peers_used > 0 {
        parts.push(plural(progress.peers_used, "peer"));
    }
    if let Some(left) = remaining(progress) {
        parts.push(format!("about {} left", output::coarse(left)));
    }
    if progress.error_count > 0 {
        parts.push(plural(progress.error_count, "error"));
    }
    parts
}

/// Seconds to go at the speed so far; none while that would be a guess.
fn remaining(progress: &Progress) -> Option<u64> {
    let done = progress.percent_done;
    let known = progress.seconds_elapsed >= GUESS_SECONDS && done > 0.0 && done < 1.0;
    known.then(|| (progress.seconds_elapsed * (1.0 - done) / done) as u64)
}

/// For those who do not watch.
pub(crate) fn one_line(progress: &Progress, job: Job, look: &super::shell::Look) -> String {
    let elapsed = output::coarse(progress.seconds_elapsed as u64);
    format!("[{elapsed}] {}", figures(progress, job, look).join(" · "))
}

/// Beside and under the bar.
pub(crate) fn bar_text(progress: &Progress, job: Job, look: &super::shell::Look) -> String {
    let mut text = figures(progress, job, look).join(" · ");
    if let Some(file) = progress.current_files.first() {
        text.push_str("\n  ");
        text.push_str(&tail(&escape(file), FILE_WIDTH));
    }
    text
}

/// The end of a name too long to show.
fn tail(name: &str, width: usize) -> String {
    let length = name.chars().count();
    if length <= width {
        return name.to_owned();
    }
    let end: String = name.chars().skip(length + 1 - width).collect();
    format!("…{end}")
}

#[cfg(test)]
mod tests;
