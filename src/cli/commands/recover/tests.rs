//! Recovery takes the words from wherever they are, and never asks where nobody is.

use super::*;
use crate::api::codes;
use crate::api::setup::Amount;
use crate::cli::commands::fake::{Fake, Typist, golden, ran, ran_by};

fn view() -> RecoverView {
    RecoverView {
        schema: "gbak.recover/1".to_owned(),
        snapshots: 3,
        head_seq: 12,
        witnesses_asked: 4,
        witnesses_confirmed: 3,
        devices: 1,
        rewound: None,
        warnings: vec!["dan did not answer".to_owned()],
    }
}

fn fake() -> Fake {
    let fake = Fake::default();
    fake.0.borrow_mut().recover = Some(Ok(view()));
    fake
}

fn kept(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

#[test]
fn a_recovery_tells_who_confirmed() {
    let file = kept("one two three\n");
    let shown = |line: &str| {
        let mut ran = ran(&fake(), &line.replace("FILE", file.path().to_str().unwrap()));
        line.clone_into(&mut ran.line);
        ran
    };
    golden(
        "recover",
        &[
            shown("gbak recover --phrase-file FILE"),
            shown("gbak recover --phrase-file FILE --json"),
        ],
    );
}

#[test]
fn every_flag_reaches_the_engine() {
    let (fake, file) = (fake(), kept("one two three\n"));
    let line = format!(
        "gbak recover --phrase-file {} --bootstrap /ip4/10.0.0.1/tcp/1 --listen \
         /ip4/127.0.0.1/tcp/0 --no-mdns --name new --donate 1GiB --site attic --non-interactive",
        file.path().display()
    );
    ran(&fake, &line);
    let state = fake.0.borrow();
    let args = &state.recovers[0];
    assert_eq!((args.phrase.trim(), args.name.as_str()), ("one two three", "new"));
    assert_eq!(args.lend.donate, Some(Amount::Bytes(1 << 30)));
    assert_eq!(args.reach.bootstrap, ["/ip4/10.0.0.1/tcp/1"]);
    assert_eq!(args.reach.listen, ["/ip4/127.0.0.1/tcp/0"]);
    assert!(!args.reach.mdns);
}

#[test]
fn the_kit_alone_is_enough() {
    let (fake, file) =
        (fake(), kept("words\n   1 one   2 two\n   3 three\naddress    /ip4/10.0.0.1/tcp/1\n"));
    ran(&fake, &format!("gbak recover --kit {} --no-mdns", file.path().display()));
    let state = fake.0.borrow();
    assert_eq!(&*state.recovers[0].phrase, "one two three");
    assert_eq!(state.recovers[0].reach.bootstrap, ["/ip4/10.0.0.1/tcp/1"]);
}

#[test]
fn nobody_to_ask_means_naming_the_flag() {
    let words = ran(&fake(), "gbak recover");
    assert_eq!(words.exit, 2);
    assert!(words.err.contains("--phrase-file FILE"), "{}", words.err);
    let file = kept("one two three");
    let line = format!("gbak recover --phrase-file {} --no-mdns", file.path().display());
    let address = ran(&fake(), &line);
    assert!(address.err.contains("--bootstrap ADDR"), "{}", address.err);
}

#[test]
fn somebody_may_type_the_words() {
    let fake = fake();
    ran_by(&fake, "gbak recover --name new", Box::new(Typist::of(&["one two three"])));
    assert_eq!(&*fake.0.borrow().recovers[0].phrase, "one two three");
}

#[test]
fn wrong_words_end_with_twelve() {
    let (fake, file) = (Fake::default(), kept("one two three"));
    fake.0.borrow_mut().recover = Some(Err(codes::PHRASE_WRONG.failure("Word 2 is not a word")));
    assert_eq!(
        ran(&fake, &format!("gbak recover --phrase-file {}", file.path().display())).exit,
        12
    );
}

#[test]
fn an_existing_home_is_rebuilt_in_place() {
    let fake = Fake::answering(Answer::Rebuild(view()));
    assert_eq!(ran(&fake, "gbak recover --rebuild --json").exit, 0);
    assert!(matches!(fake.0.borrow().calls[0], Call::Rebuild));
}

#[test]
fn what_came_back_of_an_earlier_time_is_told() {
    let rewound = RewoundView {
        as_of_secs: 0,
        devices: 1,
        snapshots: 12,
        shards_kept: 480,
        shards_missing: 2,
        shards_silent: 30,
    };
    let fake = Fake::answering(Answer::Rebuild(RecoverView { rewound: Some(rewound), ..view() }));
    let told = ran(&fake, "gbak recover --rebuild --as-of 2020-02-03T04:05:06Z");
    assert!(matches!(fake.0.borrow().calls[0], Call::Rewind(1_580_702_706)));
    let line = "12 snapshots brought back, 480 shards kept by their holders, 2 not there any more, \
                30 with machines that do not answer: again when they do\n";
    assert!(told.out.contains(line), "{}", told.out);
    assert_eq!(ran(&fake, "gbak recover --rebuild --as-of 2999-01-01").exit, 2, "not yet");
}
