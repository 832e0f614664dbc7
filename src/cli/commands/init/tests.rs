//! Homes are made with what was said, and the words always end up where they were to go.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::*;
use crate::cli::commands::fake::{Fake, Ran, Typist, golden, ran, ran_by};

const WORDS: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon \
                     abandon abandon abandon abandon abandon abandon abandon abandon abandon \
                     abandon abandon abandon abandon abandon art";

fn view() -> InitView {
    InitView {
        schema: "gbak.init/1".to_owned(),
        name: "ada".to_owned(),
        peer_id: "0a".repeat(32),
        owner_id: "0b".repeat(32),
        grid_id: "0c".repeat(32),
        created: "2026-08-01T10:00:00Z".to_owned(),
        bootstrap: vec!["/ip4/192.168.1.5/tcp/4711/p2p/12D3".to_owned()],
        words: Some(Secret::new(WORDS.to_owned())),
    }
}

fn fake() -> Fake {
    let fake = Fake::default();
    fake.0.borrow_mut().init = Some(Ok(view()));
    fake
}

fn made(fake: &Fake) -> InitArgs {
    fake.0.borrow().inits[0].clone()
}

fn mode(file: &Path) -> u32 {
    file.metadata().unwrap().permissions().mode() & 0o777
}

fn in_dir(dir: &Path, line: &str) -> (Fake, Ran) {
    let fake = fake();
    let ran = ran(&fake, &line.replace("DIR", dir.to_str().unwrap()));
    (fake, ran)
}

#[test]
fn init_prints_the_kit_or_one_document_without_words() {
    let dir = tempfile::tempdir().unwrap();
    let line = "gbak init --name ada --donate 20GiB --non-interactive";
    let text = ran(&fake(), line);
    let (_, mut json) = in_dir(dir.path(), &format!("{line} --json --phrase-file DIR/words"));
    assert!(!json.out.contains("abandon") && !json.err.contains("abandon"));
    json.line = format!("{line} --json --phrase-file words");
    golden("init", &[text, json]);
}

#[test]
fn every_flag_reaches_the_engine() {
    let fake = fake();
    ran(
        &fake,
        "gbak init --name ada --donate 40% --min-free 15% --safe-area 10GiB --site attic \
         --listen /ip4/127.0.0.1/tcp/0 --bootstrap /ip4/10.0.0.1/tcp/1 --no-mdns --grid family \
         --non-interactive",
    );
    let args = made(&fake);
    assert_eq!(args.lend.donate, Some(Amount::Percent(40.0)));
    assert_eq!(args.lend.min_free, Some(Amount::Percent(15.0)));
    assert_eq!(args.lend.safe_area, Some(10 << 30));
    assert_eq!((args.site.as_deref(), args.grid.as_deref()), (Some("attic"), Some("family")));
    assert_eq!(args.reach.listen, ["/ip4/127.0.0.1/tcp/0"]);
    assert_eq!(args.reach.bootstrap, ["/ip4/10.0.0.1/tcp/1"]);
    assert!(!args.reach.mdns && args.phrase.is_none() && args.passphrase.is_none());
}

#[test]
fn new_words_are_written_private_and_never_over_others() {
    let dir = tempfile::tempdir().unwrap();
    let line = "gbak init --donate none --json --phrase-file DIR/words --kit DIR/kit";
    assert_eq!(in_dir(dir.path(), line).1.exit, 0);
    let (words, page) = (dir.path().join("words"), dir.path().join("kit"));
    assert_eq!(std::fs::read_to_string(&words).unwrap(), format!("{WORDS}\n"));
    assert_eq!((mode(&words), mode(&page)), (0o600, 0o600));
    let (fake, again) = in_dir(dir.path(), line);
    assert_eq!(again.exit, codes::FILE.exit, "the kit is not written over");
    assert!(fake.0.borrow().inits.is_empty());
}

#[test]
fn words_that_are_there_are_used() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("words"), format!("{WORDS}\n")).unwrap();
    let (fake, _) = in_dir(dir.path(), "gbak init --donate none --json --phrase-file DIR/words");
    let phrase = made(&fake).phrase.unwrap();
    assert_eq!(phrase.trim(), WORDS);
    assert_eq!(std::fs::read_to_string(dir.path().join("words")).unwrap(), format!("{WORDS}\n"));
}

#[test]
fn a_failed_init_leaves_no_files() {
    let dir = tempfile::tempdir().unwrap();
    let fake = Fake::default();
    fake.0.borrow_mut().init = Some(Err(codes::HOME_EXISTS.failure("There is a home")));
    let place = dir.path().display();
    let line = format!("gbak init --donate none --phrase-file {place}/words --kit {place}/kit");
    assert_eq!(ran(&fake, &line).exit, 1);
    assert_eq!(dir.path().read_dir().unwrap().count(), 0);
}

#[test]
fn nobody_to_ask_means_naming_the_flag() {
    let donate = ran(&fake(), "gbak init");
    assert_eq!(donate.exit, 2);
    assert!(donate.err.contains("--donate SIZE"), "{}", donate.err);
    let words = ran(&fake(), "gbak init --donate none --json");
    assert_eq!(words.exit, 2);
    assert!(words.err.contains("--phrase-file FILE"), "{}", words.err);
}

#[test]
fn the_wizard_asks_shows_the_words_and_wants_three_of_them() {
    let fake = fake();
    let mut typist = Typist::of(&["attic", "lots", "100GiB", " gbak1abc "]);
    typist.words = Some(Secret::new(WORDS.to_owned()));
    let asked = typist.asked.clone();
    let ran = ran_by(&fake, "gbak init", Box::new(typist));
    let args = made(&fake);
    assert_eq!((args.name.as_str(), args.join.as_deref()), ("attic", Some("gbak1abc")));
    assert_eq!(args.lend.donate, Some(Amount::Bytes(100 << 30)));
    assert!(ran.out.contains("24 art"), "{}", ran.out);
    let words = asked.borrow().iter().filter(|text| text.starts_with("Type word")).count();
    assert_eq!(words, 3, "{asked:?}");
    assert!(!ran.err.contains("did not match"));
}

#[test]
fn wrong_words_are_noticed_and_do_not_trap_anybody() {
    let typist = Typist::of(&["attic", "none", ""]);
    let ran = ran_by(&fake(), "gbak init", Box::new(typist));
    assert_eq!(ran.exit, 0);
    assert!(ran.err.contains("did not match; compare the page above again"), "{}", ran.err);
}

#[test]
fn the_words_asked_for_differ_from_device_to_device() {
    assert_eq!(chosen("a", 24).len(), 3);
    assert!(chosen("a", 24).into_iter().all(|no| no < 24));
    assert_ne!(chosen("a", 24), chosen("b", 24));
    assert_eq!(chosen("a", 2).len(), 2);
    assert_eq!(chosen("a", 0).len(), 0);
}

#[test]
fn join_takes_an_existing_home_along_and_makes_one_otherwise() {
    let existing = Fake::default();
    existing.0.borrow_mut().join = Some(Ok(InitView { words: None, ..view() }));
    let with_home = ran(&existing, "gbak join gbak1abc");
    assert_eq!(with_home.exit, 0);
    assert!(with_home.out.contains("set up in grid"), "{}", with_home.out);

    let fresh = fake();
    fresh.0.borrow_mut().join = Some(Err(codes::NO_HOME.failure("No home")));
    ran(&fresh, "gbak join gbak1abc --donate none --non-interactive");
    assert_eq!(made(&fresh).join.as_deref(), Some("gbak1abc"));
}

#[test]
fn words_that_cannot_be_saved_are_shown_rather_than_lost() {
    let dir = tempfile::tempdir().unwrap();
    let place = Reserved::new(&dir.path().join("words")).unwrap();
    // The directory goes while the home is made: the file can be written, not made durable.
    dir.close().unwrap();
    let places = Places { phrase: Some(place), kit: None };
    assert!(places.fill(&view(), &Secret::new(WORDS.to_owned())).is_err());
}
