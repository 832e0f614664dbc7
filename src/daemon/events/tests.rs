//! Promises of the event feed, in paused time.

use std::time::Duration;

use tokio::time::Instant;

use super::{QUEUE, base64, feed};
use crate::api::Event;
use crate::monitor::{Counter, Monitor, Problem};

fn problem(n: usize) -> Problem {
    Problem { item: format!("/file/{n}").into_bytes(), message: "Cannot read it".to_owned() }
}

#[tokio::test(start_paused = true)]
async fn figures_come_at_most_five_times_a_second_and_only_when_they_changed() {
    let (monitor, mut feed) = feed();
    monitor.count(Counter::BytesFound, 10);
    let started = Instant::now();
    for step in 1..=10_u64 {
        monitor.count(Counter::BytesDone, 1);
        monitor.count(Counter::FilesDone, 1);
        let Event::Status(progress) = feed.next().await else { panic!("figures") };
        assert_eq!(progress.files_done, step);
        assert_eq!(progress.bytes_done, step);
    }
    assert!(started.elapsed() >= Duration::from_secs(2));
    let idle = tokio::time::timeout(Duration::from_mins(1), feed.next()).await;
    assert!(idle.is_err(), "nothing new, nothing told");
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_problems_never_blocks_and_is_counted() {
    let (monitor, mut feed) = feed();
    for n in 0..QUEUE + 7 {
        monitor.problem(&problem(n));
    }
    let events = feed.rest();
    let errors = events.iter().filter(|event| matches!(event, Event::Error(_))).count();
    assert_eq!(errors, QUEUE);
    let Some(Event::Warning { message }) = events.get(QUEUE) else { panic!("a warning") };
    assert!(message.starts_with("7 more"), "{message}");
    let Some(Event::Status(progress)) = events.last() else { panic!("figures") };
    assert_eq!(progress.error_count, (QUEUE + 7) as u64);
}

#[tokio::test(start_paused = true)]
async fn problems_and_warnings_come_before_figures() {
    let (monitor, mut feed) = feed();
    monitor.count(Counter::FilesFound, 1);
    monitor.warn("careful");
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(matches!(feed.next().await, Event::Warning { .. }));
    assert!(matches!(feed.next().await, Event::Status(_)));
}

#[test]
fn a_path_that_is_not_text_is_told_exactly() {
    let problem = Problem { item: vec![b'a', 0xff], message: String::new() };
    assert_eq!(super::problem_view(&problem).path_b64.as_deref(), Some("Yf8="));
    for (bytes, text) in
        [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
    {
        assert_eq!(base64(bytes.as_bytes()), text);
    }
}
