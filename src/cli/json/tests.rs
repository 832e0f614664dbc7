//! JSON as scripts read it.

use super::*;

#[derive(Serialize)]
struct Document {
    path: PathBytes,
    paths: Vec<PathBytes>,
    zero: u64,
}

#[test]
fn paths_that_are_no_text_are_lossy_and_exact() {
    let odd = || PathBytes(b"/a\xff".to_vec());
    let paths = vec![PathBytes(b"/b".to_vec()), odd()];
    let line = line(&Document { path: odd(), paths, zero: 0 }).unwrap();
    let read: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(read["path"], "/a\u{fffd}");
    assert_eq!(read["path_b64"], "L2H/");
    assert_eq!(read["paths"], serde_json::json!(["/b", "/a\u{fffd}"]));
    assert_eq!(read["paths_b64"], serde_json::json!([null, "L2H/"]));
    assert_eq!(read["zero"], 0, "zero values are present");
}

#[test]
fn paths_that_are_text_have_no_second_form() {
    let text = || PathBytes("/été".into());
    let line = line(&Document { path: text(), paths: vec![text()], zero: 0 }).unwrap();
    assert!(line.contains("/été") && !line.contains("b64"), "{line}");
}

#[test]
fn the_kind_of_a_message_comes_first() {
    let text = PathBytes(b"/a".to_vec());
    let line = message("status", &Document { path: text, paths: Vec::new(), zero: 0 }).unwrap();
    assert!(line.starts_with(r#"{"message_type":"status","#), "{line}");
}

#[test]
fn what_a_terminal_acts_on_is_escaped_and_reads_back() {
    for name in ["a\u{9b}31m", "photo\u{202e}gnp", "tag\u{e0041}", "plain\u{1b}[2J", "été\\"] {
        let line = line(&name).unwrap();
        assert!(!line.contains(acts_on_terminal), "{line:?}");
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), name);
    }
}

#[test]
fn base64_is_that_of_the_rfc() {
    for (bytes, text) in [
        (&b""[..], ""),
        (b"f", "Zg=="),
        (b"fo", "Zm8="),
        (b"foo", "Zm9v"),
        (b"foobar", "Zm9vYmFy"),
        (b"\xff\xfe\xfd", "//79"),
    ] {
        assert_eq!(base64(bytes), text);
    }
}
