//! Progress is shown seldom, late and truthfully.

use std::io;
use std::sync::{Arc, Mutex};

use indicatif::{MultiProgress, ProgressDrawTarget, TermLike};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::*;
use crate::cli::output::Units;
use crate::cli::prompts::Nobody;
use crate::cli::shell::Look;

fn look(pace: Pace) -> Look {
    Look {
        json: matches!(pace, Pace::Json(_)),
        quiet: false,
        units: Units::Iec,
        now: Timestamp::UNIX_EPOCH,
        zone: TimeZone::UTC,
        pace,
    }
}

fn at(seconds: f64) -> Progress {
    Progress {
        seconds_elapsed: seconds,
        percent_done: 0.25,
        total_files: 100,
        files_done: 25,
        total_bytes: 4 << 30,
        bytes_done: 1 << 30,
        ..Progress::default()
    }
}

/// Stdout and stderr of a job that reports at these times.
fn shown(pace: Pace, job: Job, times: &[f64]) -> (String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let bars = MultiProgress::with_draw_target(ProgressDrawTarget::hidden());
    let mut shell = Shell::new(&mut out, &mut err, look(pace), Box::new(Nobody), bars);
    let mut watch = Watch::new(&mut shell, job);
    times.iter().for_each(|time| watch.see(Event::Status(at(*time))));
    drop(watch);
    drop(shell);
    (String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

#[test]
fn the_pace_follows_terminal_and_wishes() {
    let wish = Wish { none: false, json: false, tty: false, fps: None };
    assert_eq!(Pace::of(Wish { tty: true, ..wish }), Pace::Bars(0.2));
    assert_eq!(Pace::of(Wish { tty: true, fps: Some(1.0), ..wish }), Pace::Bars(1.0));
    assert_eq!(Pace::of(Wish { tty: true, fps: Some(60.0), ..wish }), Pace::Bars(0.2));
    assert_eq!(Pace::of(wish), Pace::Lines(30.0));
    assert_eq!(Pace::of(Wish { fps: Some(0.5), ..wish }), Pace::Lines(2.0));
    assert_eq!(Pace::of(Wish { json: true, tty: true, ..wish }), Pace::Json(0.2));
    assert_eq!(Pace::of(Wish { none: true, tty: true, ..wish }), Pace::None);
}

#[test]
fn without_a_terminal_there_is_a_line_every_half_minute() {
    let (out, err) = shown(Pace::Lines(30.0), Job::Send, &[0.6, 29.0, 30.0, 31.0, 59.0, 60.5]);
    assert_eq!((out.as_str(), err.lines().count()), ("", 2));
    assert!(err.starts_with("[30 s] 25% · 1.0 GiB of 4.0 GiB · 25 of 100 files"), "{err}");
}

#[test]
fn json_lines_keep_the_pace_too() {
    let (out, err) = shown(Pace::Json(0.2), Job::Fetch, &[0.0, 0.1, 0.19, 0.2, 0.5]);
    assert_eq!((out.lines().count(), err.as_str()), (3, ""));
    assert!(out.contains(r#""seconds_remaining":null"#), "{out}");
}

#[test]
fn nothing_spoils_a_document() {
    let (out, _) = shown(Pace::Json(0.2), Job::Look, &[0.0, 1.0, 2.0]);
    assert_eq!(out, "");
}

/// A terminal that keeps what was written to it.
#[derive(Debug, Clone, Default)]
struct Screen(Arc<Mutex<Vec<String>>>);

impl Screen {
    fn take(&self) -> String {
        self.0.lock().unwrap().drain(..).collect::<Vec<_>>().join("|")
    }

    fn keep(&self, what: &str) {
        self.0.lock().unwrap().push(what.to_owned());
    }
}

impl TermLike for Screen {
    fn width(&self) -> u16 {
        100
    }

    fn move_cursor_up(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_down(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_right(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_left(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn write_line(&self, line: &str) -> io::Result<()> {
        self.keep(line);
        Ok(())
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.keep(text);
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        self.keep("CLEAR");
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn bars_appear_after_half_a_second_and_go_away() {
    let draw = |times: &[f64]| {
        let screen = Screen::default();
        let target = ProgressDrawTarget::term_like(Box::new(screen.clone()));
        let bars = MultiProgress::with_draw_target(target);
        let look = look(Pace::Bars(0.2));
        let mut shell = Shell::new(Vec::new(), Vec::new(), look, Box::new(Nobody), bars);
        let mut watch = Watch::new(&mut shell, Job::Send);
        times.iter().for_each(|time| watch.see(Event::Status(at(*time))));
        let during = screen.take();
        drop(watch);
        (during, screen.take())
    };
    assert_eq!(draw(&[0.1, 0.4]), (String::new(), String::new()));
    let (during, after) = draw(&[0.1, 0.6]);
    assert!(during.contains("25% · 1.0 GiB of 4.0 GiB"), "{during}");
    assert!(after.contains("CLEAR") && !after.contains('%'), "{after}");
}

#[test]
fn remaining_time_is_not_guessed_early() {
    let text = |progress: &Progress| one_line(progress, Job::Send, &look(Pace::None));
    assert!(!text(&at(4.9)).contains("left"));
    assert!(text(&at(10.0)).contains("about 30 s left"), "{}", text(&at(10.0)));
    let done = Progress { percent_done: 1.0, ..at(10.0) };
    assert!(!text(&done).contains("left"));
}

#[test]
fn odd_figures_do_not_break_a_line() {
    for percent in [f64::NAN, -1.0, 7.0, f64::INFINITY] {
        let odd = Progress { percent_done: percent, ..at(f64::MAX) };
        assert!(one_line(&odd, Job::Send, &look(Pace::None)).contains('%'));
    }
}

#[test]
fn file_names_are_escaped_and_cut_at_the_front() {
    let long = format!("/home/{}/\u{1b}[2Jname", "x".repeat(200));
    let progress = Progress { current_files: vec![long], ..at(1.0) };
    let text = bar_text(&progress, Job::Send, &look(Pace::None));
    let file = text.lines().last().unwrap();
    assert!(file.starts_with("  …") && file.ends_with(r"\u{1b}[2Jname"), "{file}");
    assert_eq!(file.chars().count(), 2 + FILE_WIDTH);
}

#[test]
fn the_template_of_the_bar_is_valid() {
    assert!(ProgressStyle::with_template(TEMPLATE).is_ok());
}
