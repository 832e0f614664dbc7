//! Tests of the phrase: the standard's words, and what is said of mistyped ones.

use proptest::prelude::*;

use super::*;

fn text(phrase: &Phrase) -> String {
    phrase.words().collect::<Vec<_>>().join(" ")
}

fn abandon_art() -> String {
    format!("{}art", "abandon ".repeat(23))
}

#[test]
fn the_words_are_those_of_the_standard() {
    // From the test vectors of BIP39.
    let legal = "legal winner thank year wave sausage worth";
    let vectors = [
        (0x00, abandon_art()),
        (0x7f, format!("{legal} useful {legal} useful {legal} title")),
        (0xff, format!("{}vote", "zoo ".repeat(23))),
    ];
    for (byte, words) in vectors {
        assert_eq!(text(&Phrase::generate([byte; 32])), words);
        assert_eq!(words.parse::<Phrase>().unwrap(), Phrase::generate([byte; 32]));
    }
}

#[test]
fn case_and_spacing_do_not_matter() {
    let typed = format!("  {}\n", abandon_art().to_uppercase().replace(' ', "\t \r\n"));
    assert_eq!(typed.parse::<Phrase>().unwrap(), Phrase::generate([0; 32]));
}

#[test]
fn a_wrong_word_is_named_by_its_position() {
    for position in 1..=WORDS {
        let phrase = abandon_art();
        let mut words: Vec<&str> = phrase.split(' ').collect();
        words[position - 1] = "abandonn";
        let error = words.join(" ").parse::<Phrase>().unwrap_err();
        assert_eq!(error, PhraseError::UnknownWord { position });
    }
}

#[test]
fn words_of_another_language_are_wrong_words() {
    let error = format!("{}abaisser", "abaisser ".repeat(23)).parse::<Phrase>().unwrap_err();
    assert_eq!(error, PhraseError::UnknownWord { position: 1 });
}

#[test]
fn another_number_of_words_is_said_so() {
    for found in [0, 1, 12, 15, 18, 21, 23, 25, 48] {
        let error = "abandon ".repeat(found).parse::<Phrase>().unwrap_err();
        assert_eq!(error, PhraseError::WordCount { found });
    }
}

#[test]
fn good_words_that_are_no_phrase_are_told_by_the_checksum() {
    let error = "abandon ".repeat(24).parse::<Phrase>().unwrap_err();
    assert_eq!(error, PhraseError::Checksum);
    let swapped = text(&Phrase::generate(*blake3::hash(b"swap").as_bytes()));
    let mut words: Vec<&str> = swapped.split(' ').collect();
    words.swap(3, 4);
    assert_eq!(words.join(" ").parse::<Phrase>().unwrap_err(), PhraseError::Checksum);
}

#[test]
fn a_huge_text_is_refused_unread() {
    let error = "a".repeat(TEXT_LIMIT + 1).parse::<Phrase>().unwrap_err();
    assert_eq!(error, PhraseError::TooLong { len: TEXT_LIMIT + 1 });
}

#[test]
fn a_phrase_is_not_printed() {
    let phrase = Phrase::generate([0; 32]);
    assert_eq!(format!("{phrase:?}"), "Phrase(..)");
    assert!(!format!("{:?}", phrase.root()).contains('0'));
}

proptest! {
    #[test]
    fn the_words_bring_the_root_back(entropy: [u8; 32]) {
        let phrase = Phrase::generate(entropy);
        let read: Phrase = text(&phrase).parse().unwrap();
        prop_assert_eq!(&read, &phrase);
        let (ours, theirs) = (phrase.root().vault_secret(), read.root().vault_secret());
        prop_assert_eq!(ours, theirs);
    }

    #[test]
    fn no_text_makes_reading_panic(text: String) {
        prop_assert!(text.parse::<Phrase>().is_err());
    }
}
