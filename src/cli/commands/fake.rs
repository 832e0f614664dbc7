//! A stage for commands: a backend that gives the answers it was given, a reader that types what it
//! was told, and two streams that end in strings. Pages of what was shown are kept in `cli/golden`.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use clap::Parser;
use indicatif::{MultiProgress, ProgressDrawTarget};
use jiff::tz::TimeZone;

use crate::api::backend::{Backend, Open};
use crate::api::setup::{
    DaemonArgs, DemoArgs, DemoLine, DemoView, InitArgs, InitView, RecoverArgs, Secret, Settings,
};
use crate::api::{Answer, Call, Event, Failure, RecoverView, codes};
use crate::cli::args::Cli;
use crate::cli::output::Units;
use crate::cli::progress::{Pace, Wish};
use crate::cli::prompts::{Ask, Nobody, Question};
use crate::cli::settings::Env;
use crate::cli::shell::{Look, Shell};
use crate::cli::{exit, run};

/// What the backend gives, and what it was asked.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) answers: VecDeque<Result<Answer, Failure>>,
    pub(crate) events: Vec<Event>,
    pub(crate) init: Option<Result<InitView, Failure>>,
    pub(crate) join: Option<Result<InitView, Failure>>,
    pub(crate) recover: Option<Result<RecoverView, Failure>>,
    pub(crate) demo: Option<DemoView>,
    pub(crate) unmount: Option<Failure>,
    pub(crate) agent: bool,
    pub(crate) calls: Vec<Call>,
    pub(crate) inits: Vec<InitArgs>,
    pub(crate) recovers: Vec<RecoverArgs>,
    pub(crate) demos: Vec<DemoArgs>,
    pub(crate) settings: Vec<Settings>,
}

/// A backend that gives the answers it was given.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fake(pub(crate) Rc<RefCell<State>>);

impl Fake {
    /// Gives this answer to the next call.
    pub(crate) fn answering(answer: impl Into<Result<Answer, Failure>>) -> Self {
        let fake = Self::default();
        fake.0.borrow_mut().answers.push_back(answer.into());
        fake
    }

    /// Sends these events before it answers.
    pub(crate) fn with_events(self, events: Vec<Event>) -> Self {
        self.0.borrow_mut().events = events;
        self
    }
}

impl From<Answer> for Result<Answer, Failure> {
    fn from(answer: Answer) -> Self {
        Ok(answer)
    }
}

impl Open for Fake {
    type Backend = Self;

    fn open(&self, settings: Settings) -> Result<Self, Failure> {
        self.0.borrow_mut().settings.push(settings);
        Ok(self.clone())
    }
}

impl Backend for Fake {
    fn call(&self, call: Call, on_event: &mut dyn FnMut(Event)) -> Result<Answer, Failure> {
        let mut state = self.0.borrow_mut();
        state.calls.push(call);
        state.events.clone().into_iter().for_each(on_event);
        state.answers.pop_front().expect("the test gives an answer for every call")
    }

    fn init(&self, args: InitArgs) -> Result<InitView, Failure> {
        let mut state = self.0.borrow_mut();
        state.inits.push(args);
        state.init.take().expect("the test expects an init")
    }

    fn join(&self, _: &str) -> Result<InitView, Failure> {
        self.0.borrow_mut().join.take().expect("the test expects a join")
    }

    fn recover(
        &self,
        args: RecoverArgs,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<RecoverView, Failure> {
        let mut state = self.0.borrow_mut();
        state.recovers.push(args);
        state.events.clone().into_iter().for_each(on_event);
        state.recover.take().expect("the test expects a recovery")
    }

    fn daemon(&self, _: DaemonArgs, ready: &mut dyn FnMut(&str)) -> Result<(), Failure> {
        ready("ada listens on /ip4/127.0.0.1/tcp/4711");
        Ok(())
    }

    fn wait_ready(&self, deadline: Duration) -> Result<(), Failure> {
        let message = format!("No agent answered within {} s", deadline.as_secs());
        self.0.borrow().agent.then_some(()).ok_or(codes::DAEMON_UNREACHABLE.failure(message))
    }

    fn unmount(&self, _: &Path) -> Result<(), Failure> {
        self.0.borrow_mut().unmount.take().map_or(Ok(()), Err)
    }

    fn demo(&self, args: DemoArgs, on_line: &mut dyn FnMut(DemoLine)) -> Result<DemoView, Failure> {
        let mut state = self.0.borrow_mut();
        state.demos.push(args);
        on_line(DemoLine {
            step: "back up".to_owned(),
            outcome: "412 files".to_owned(),
            seconds: 3.21,
        });
        Ok(state.demo.take().expect("the test expects a demonstration"))
    }
}

/// Somebody who types what they were told, and remembers the questions.
#[derive(Debug, Clone, Default)]
pub(crate) struct Typist {
    /// What is typed next; when nothing is left, defaults are taken.
    pub(crate) lines: Rc<RefCell<VecDeque<String>>>,
    /// What was asked.
    pub(crate) asked: Rc<RefCell<Vec<String>>>,
    /// Types the words of this phrase when asked for one by number.
    pub(crate) words: Option<Secret>,
}

impl Typist {
    /// Types these lines.
    pub(crate) fn of(lines: &[&str]) -> Self {
        let lines = lines.iter().map(|line| (*line).to_owned()).collect();
        Self { lines: Rc::new(RefCell::new(lines)), ..Self::default() }
    }

    fn word(&self, question: &str) -> Option<String> {
        let no: usize = question.strip_prefix("Type word ")?.parse().ok()?;
        Some(self.words.as_ref()?.split_whitespace().nth(no - 1)?.to_owned())
    }
}

impl Ask for Typist {
    fn present(&self) -> bool {
        true
    }

    fn text(&mut self, question: Question<'_>) -> Result<String, Failure> {
        self.asked.borrow_mut().push(question.text.to_owned());
        let typed = self.lines.borrow_mut().pop_front().or_else(|| self.word(question.text));
        Ok(typed.unwrap_or_else(|| question.default.unwrap_or_default().to_owned()))
    }

    fn secret(&mut self, question: Question<'_>) -> Result<Secret, Failure> {
        self.text(question).map(Secret::new)
    }
}

/// What a command left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) line: String,
    pub(crate) exit: u8,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs a command line where nobody can be asked.
pub(crate) fn ran(fake: &Fake, line: &str) -> Ran {
    ran_by(fake, line, Box::new(Nobody))
}

/// Runs a command line for somebody.
pub(crate) fn ran_by(fake: &Fake, line: &str, ask: Box<dyn Ask>) -> Ran {
    let env = Env { home: Some(OsString::from("/home/ada/gbak")), ..Env::default() };
    ran_in(fake, line, ask, &env)
}

/// The same in this environment. Words of the line are parted by spaces.
pub(crate) fn ran_in(fake: &Fake, line: &str, ask: Box<dyn Ask>, env: &Env) -> Ran {
    let cli = Cli::try_parse_from(line.split(' ')).expect("the test's line parses");
    let (json, quiet) = (cli.global.json, cli.global.quiet);
    let wish = Wish { none: quiet || cli.global.no_progress, json, tty: false, fps: None };
    let look = Look {
        json,
        quiet,
        units: Units::Iec,
        now: "2026-08-01T10:00:00Z".parse().expect("a time"),
        zone: TimeZone::UTC,
        pace: Pace::of(wish),
    };
    let bars = MultiProgress::with_draw_target(ProgressDrawTarget::hidden());
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut shell = Shell::new(&mut out, &mut err, look, ask, bars);
    let exit = run(&cli, env, fake, &mut shell).unwrap_or_else(|failure| {
        exit::tell(&mut shell, &failure);
        exit::code_of(&failure)
    });
    drop(shell);
    let text = |bytes| String::from_utf8(bytes).expect("output is text");
    Ran { line: line.to_owned(), exit, out: text(out), err: text(err) }
}

/// Compares what commands showed with the page kept under this name; `UPDATE=1` keeps it anew.
#[track_caller]
pub(crate) fn golden(name: &str, ran: &[Ran]) {
    let mut page = String::new();
    for ran in ran {
        write!(page, "$ {}\n{}", ran.line, ran.out).expect("written");
        if !ran.err.is_empty() {
            write!(page, "-- stderr\n{}", ran.err).expect("written");
        }
        write!(page, "-- exit {}\n\n", ran.exit).expect("written");
    }
    let file = format!("src/cli/golden/{name}.txt");
    same_as_file(Path::new(&file), &page);
}

/// Compares with a file of the repository; `UPDATE=1` writes it anew.
#[track_caller]
pub(crate) fn same_as_file(file: &Path, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("made");
        std::fs::write(&path, text).expect("written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let file = file.display();
    assert_eq!(kept, text, "{file} is stale: UPDATE=1 cargo test -p gbak --lib cli::");
}
