//! Values as they are shown.

use super::*;

#[test]
fn names_from_outside_cannot_act_on_the_terminal() {
    assert_eq!(escape("plain été 漢字 🙂"), "plain été 漢字 🙂");
    assert_eq!(escape("\u{1b}[31m\u{7}\r\n\t\u{9b}"), r"\u{1b}[31m\u{7}\r\n\t\u{9b}");
    assert_eq!(escape("photo\u{202e}gnp.exe"), r"photo\u{202e}gnp.exe");
    for letter in ['\u{200b}', '\u{2066}', '\u{2028}', '\u{feff}', '\u{e0041}', '\u{61c}'] {
        assert!(!escape(&letter.to_string()).contains(letter), "{}", letter.escape_unicode());
    }
}

#[test]
fn paths_show_bytes_that_are_no_text() {
    assert_eq!(path(&PathBytes(b"/a\xff\xfe/b\n".to_vec())), r"/a\xff\xfe/b\n");
}

#[test]
fn sizes_have_three_kinds_of_units() {
    assert_eq!(Units::Iec.size(1536), "1.5 KiB");
    assert_eq!(Units::Si.size(1500), "1.5 kB");
    assert_eq!(Units::Raw.size(1500), "1500");
    assert_eq!(Units::Iec.size(0), "0 B");
    assert_eq!(Units::from_name("si"), Some(Units::Si));
    assert_eq!(Units::from_name("metric"), None);
}

#[test]
fn ages_are_coarse_and_never_negative() {
    let now: Timestamp = "2026-08-01T10:00:00Z".parse().unwrap();
    for (text, shown) in [
        ("2026-08-01T09:59:30Z", "just now"),
        ("2026-08-01T09:48:00Z", "12 min ago"),
        ("2026-08-01T08:30:00Z", "1 h 30 min ago"),
        ("2026-08-01T03:00:00Z", "7 h ago"),
        ("2026-07-31T09:00:00Z", "1 day ago"),
        ("2026-07-28T09:00:00Z", "4 days ago"),
        ("2026-08-01T11:00:00+00:00", "just now"),
        ("some\u{1b}day", r"some\u{1b}day"),
    ] {
        assert_eq!(ago(text, now), shown, "{text}");
    }
    assert_eq!(took(3.217), "3.2 s");
    assert_eq!(took(601.0), "10 min");
}

#[test]
fn times_are_local_to_the_second() {
    let zone = TimeZone::fixed(jiff::tz::offset(2));
    assert_eq!(time("2026-08-01T10:00:00.5Z", &zone), "2026-08-01 12:00:00");
    assert_eq!(time("yester\u{1b}day", &zone), r"yester\u{1b}day");
    assert_eq!(month("2026-03-05T10:00:00Z", &zone), "2026-03");
}

#[test]
fn tables_align_numbers_right_and_leave_no_blanks_at_line_ends() {
    let columns = [("NAME", false), ("SIZE", true), ("NOTE", false)];
    let row = |name: &str, size: &str, note: &str| vec![name.into(), size.into(), note.into()];
    let shown = table(&columns, vec![row("a", "1 KiB", ""), row("long name", "100 KiB", "x")]);
    let expected = "NAME          SIZE  NOTE\na            1 KiB\nlong name  100 KiB  x";
    assert_eq!(shown, expected);
}

#[test]
fn nouns_follow_their_number() {
    assert_eq!(plural(1, "peer"), "1 peer");
    assert_eq!(plural(0, "peer"), "0 peers");
}

#[test]
fn brief_sizes_have_at_most_eight_letters() {
    const GIB: u64 = 1 << 30;
    for (bytes, iec, si) in [
        (0, "0 B", "0 B"),
        (999, "999 B", "999 B"),
        (1023, "1023 B", "1.0 kB"),
        (1024, "1.0 KiB", "1.0 kB"),
        (10_188, "9.9 KiB", "10 kB"),
        (10_230, "10 KiB", "10 kB"),
        (31 * GIB, "31 GiB", "33 GB"),
        (1024 * GIB - 1, "1.0 TiB", "1.1 TB"),
        (u64::MAX, "16 EiB", "18 EB"),
    ] {
        assert_eq!((Units::Iec.brief(bytes).as_str(), Units::Si.brief(bytes).as_str()), (iec, si));
    }
    for bytes in (0..64).flat_map(|bit| [(1_u64 << bit) - 1, 1 << bit, 1023 << bit >> 1]) {
        assert!(Units::Iec.brief(bytes).len() <= 8 && Units::Si.brief(bytes).len() <= 8);
    }
}
