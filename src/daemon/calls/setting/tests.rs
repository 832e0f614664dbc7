//! Promises about what a set means for a backup.

use std::path::Path;

use super::*;

fn set() -> BackupSet {
    let text = r#"
        [[backup.sets]]
        name = "documents"
        sources = ["/home/ada"]
        tags = ["home"]
        exclude = ["*.tmp"]
        redundancy = "8+4"
        latency = "2ms..150ms"
    "#;
    Config::parse(text, Path::new("config.toml")).unwrap().backup.sets.remove(0)
}

#[test]
fn a_set_says_what_the_caller_does_not() {
    let args = of_set(&set(), BackupArgs { tags: vec!["now".to_owned()], ..BackupArgs::default() });
    assert_eq!(args.paths, [PathBytes(b"/home/ada".to_vec())]);
    assert_eq!(
        (args.tags.as_slice(), args.exclude.as_slice()),
        (["home".to_owned(), "now".to_owned()].as_slice(), ["*.tmp".to_owned()].as_slice())
    );
    assert_eq!(args.redundancy.as_deref(), Some("8+4"));
    assert_eq!((args.limits.latency.as_deref(), &args.limits.spread), (Some("2ms..150ms"), &None));
    let limits = LimitArgs { latency: Some("0ms..9ms".to_owned()), ..LimitArgs::default() };
    let said = BackupArgs { redundancy: Some("1+1".to_owned()), limits, ..BackupArgs::default() };
    let args = of_set(&set(), said);
    assert_eq!(args.redundancy.as_deref(), Some("1+1"));
    assert_eq!(args.limits.latency.as_deref(), Some("0ms..9ms"));
}
