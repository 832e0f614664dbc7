//! A kit that was written can be read back, on paper too.

use super::*;

fn view() -> InitView {
    InitView {
        schema: "gbak.init/1".to_owned(),
        name: "ada".to_owned(),
        peer_id: "0a".repeat(32),
        owner_id: "0b".repeat(32),
        grid_id: "0c".repeat(32),
        created: "2026-08-01T10:00:00Z".to_owned(),
        bootstrap: vec!["/ip4/10.0.0.1/tcp/1".to_owned(), "/ip6/::1/tcp/2".to_owned()],
        words: None,
    }
}

#[test]
fn what_was_written_is_read_back() {
    let words: Vec<String> = (0..24).map(|no| format!("word{}", char::from(b'a' + no))).collect();
    let words = Secret::new(words.join(" "));
    let kit = read(&page(&view(), &words));
    assert_eq!(kit.words, words);
    assert_eq!(kit.bootstrap, view().bootstrap);
}

#[test]
fn a_page_without_address_asks_for_one() {
    let view = InitView { bootstrap: Vec::new(), ..view() };
    let page = page(&view, &Secret::new("a b".to_owned()));
    assert!(page.contains("Add an address"));
    assert!(read(&page).bootstrap.is_empty());
}

#[test]
fn a_page_typed_off_paper_works() {
    let typed = "\n 1 orbit 2 velvet\n3 hammer\n  address   /ip4/10.0.0.1/tcp/1  \nnotes: 4 more\n";
    let kit = read(&Secret::new(typed.to_owned()));
    assert_eq!(&*kit.words, "orbit velvet hammer");
    assert_eq!(kit.bootstrap, ["/ip4/10.0.0.1/tcp/1"]);
}

#[test]
fn words_are_numbered_in_lines_of_four() {
    let block = words_block(&Secret::new("a b c d e".to_owned()));
    let lines: Vec<&str> = block.lines().map(str::trim_end).collect();
    assert_eq!(
        lines[0].split_whitespace().collect::<Vec<_>>(),
        ["1", "a", "2", "b", "3", "c", "4", "d"]
    );
    assert_eq!(lines[1].trim(), "5 e");
}
