//! Promises about sets: what is read, what is refused and where.

use std::path::Path;

use crate::config::{Config, ConfigError};

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, Path::new("config.toml"))
}

const TWO: &str = r#"
[backup]
exclude = ["*.tmp"]

[[backup.sets]]
name = "documents"
sources = ["/home/ada/Documents", "/home/ada/Pictures"]
tags = ["home"]
exclude = ["**/node_modules"]
schedule = "hourly"
max-age = "1d"

[[backup.sets]]
name = "etc"
sources = ["/etc"]
schedule = "30 2 * * *"
redundancy = "2+1"
latency = "2ms..150ms"
"#;

#[test]
fn sets_are_read_and_written_back_as_they_are() {
    let config = parse(TWO).unwrap();
    let names: Vec<&str> = config.backup.sets.iter().map(|set| set.name.as_str()).collect();
    assert_eq!(names, ["documents", "etc"]);
    assert_eq!(config.backup.sets[1].redundancy.as_deref(), Some("2+1"));
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    std::fs::write(&path, format!("# mine\n{TWO}")).unwrap();
    let mut changed = Config::load(&path).unwrap();
    changed.node.name = "tower".to_owned();
    changed.save(&path).unwrap();
    assert_eq!(Config::load(&path).unwrap(), changed, "other settings change, sets stay");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("# mine") && text.contains("schedule = \"hourly\""), "{text}");
}

#[test]
fn what_is_wrong_with_a_set_is_said_with_its_line() {
    let set = |name: &str, rest: &str| format!("[[backup.sets]]\nname = \"{name}\"\n{rest}\n");
    let good = set("a", "sources = [\"/a\"]");
    for (text, said) in [
        (format!("{good}{good}"), "two sets are called"),
        (set("a b", "sources = [\"/a\"]"), "is no name"),
        (set("-a", "sources = [\"/a\"]"), "is no name"),
        (set("", "sources = [\"/a\"]"), "is no name"),
        (set("a", "sources = []"), "has no sources"),
        (set("a", "sources = [\"home\"]"), "not an absolute path"),
        (set("a", "sources = [\"/a\"]\nschedule = \"often\""), "not a schedule"),
        (set("a", "sources = [\"/a\"]\nredundancy = \"many\""), "not a redundancy"),
        (set("a", "sources = [\"/a\"]\nsource = 1"), "unknown field"),
        (set("a", ""), "missing field"),
        ((0..65).map(|n| set(&format!("s{n}"), "sources = [\"/a\"]")).collect(), "more than 64"),
    ] {
        let error = parse(&text).unwrap_err().to_string();
        assert!(error.contains(said) && error.contains("line"), "{said}: {error}");
    }
}
