//! What is passed on, and what is told.

use clap::Parser;

use super::*;
use crate::api::MarkView;
use crate::cli::args::Cli;
use crate::cli::commands::fake::{Fake, ran};

fn asked(line: &str) -> (MarkArgs, String) {
    let view = MarkView { schema: "gbak.mark/1".to_owned(), snapshots: 2, changed: 1 };
    let fake = Fake::answering(Answer::Mark(view));
    let out = ran(&fake, line).out;
    let state = fake.0.borrow();
    let Call::Mark(args) = &state.calls[0] else { panic!("{:?}", state.calls) };
    (args.clone(), out)
}

#[test]
fn tags_come_with_commas_or_one_by_one_and_an_empty_set_takes_all_away() {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let (args, out) = asked("gbak tag --add a,b --add c --remove d latest 1234abcd");
    assert_eq!((args.add, args.remove), (words(&["a", "b", "c"]), words(&["d"])));
    assert_eq!((args.set, args.pinned, args.snapshots.len()), (None, None, 2));
    assert_eq!(out, "1 of 2 snapshots changed\n");
    assert_eq!(asked("gbak tag --set= latest").0.set, Some(Vec::new()));
    assert_eq!(asked("gbak pin latest").0.pinned, Some(true));
    assert_eq!(asked("gbak unpin latest --json").0.pinned, Some(false));
}

#[test]
fn a_tag_without_tags_or_snapshots_is_refused() {
    let lines =
        ["gbak tag latest", "gbak tag --add a", "gbak tag --set a --add b latest", "gbak pin"];
    for line in lines {
        assert!(Cli::try_parse_from(line.split(' ')).is_err(), "{line}");
    }
}
