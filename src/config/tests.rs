//! Promises of the settings.

use std::path::Path;

use proptest::prelude::*;
use store::DiskSpace;

use super::{Amount, Config, ConfigError};

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, Path::new("config.toml"))
}

#[test]
fn what_is_saved_is_loaded_and_is_private() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    let mut config = Config::default();
    config.node.name = "attic \"nas\" ü".to_owned();
    config.node.site = Some("home".to_owned());
    config.node.bootstrap = vec!["/ip4/10.0.0.1/tcp/1/p2p/x".to_owned()];
    config.donate.size = Amount::Bytes(20 << 30);
    config.backup.exclude = vec!["*.tmp".to_owned()];
    config.backup.exclude_caches = true;
    config.placement.redundancy = Some("8+4".to_owned());
    config.placement.latency = "2ms..150ms".parse().unwrap();
    config.placement.max_shards_per_site = std::num::NonZeroU8::new(2);
    config.placement.unmet = crate::api::UnmetRule::Relax;
    config.save(&path).unwrap();
    assert_eq!(Config::load(&path).unwrap(), config);
    let mode = std::os::unix::fs::PermissionsExt::mode(&path.metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn without_a_file_the_defaults_hold_and_nothing_is_lent() {
    let dir = tempfile::tempdir().unwrap();
    let config = Config::load(&dir.path().join("config.toml")).unwrap();
    assert_eq!(config, Config::default());
    assert_eq!(config.donate.size, Amount::Bytes(0));
}

#[test]
fn the_example_of_the_manual_is_read() {
    let config = parse(
        "[node]\nname = \"attic-nas\"\nlisten = [\"/ip4/0.0.0.0/tcp/4711\"]\nmdns = false\n\
         [donate]\nsize = \"200 GiB\"\nmin-free = \"15%\"\nsafe-area = \"10 GiB\"\n\
         [placement]\nredundancy = \"8+4\"\nlatency = \"2ms..150ms\"\n\
         spread = \"5ms..300ms\"\nmax-shards-per-peer = 1\nmax-shards-per-site = 2\n\
         unmet = \"fail\"\ndomains = \"spread\"\n\
         [backup]\nexclude-caches = true\nexclude-if-present = [\".nobackup\"]\n",
    )
    .unwrap();
    assert_eq!(config.donate.size, Amount::Bytes(200 << 30));
    assert_eq!(config.donate.min_free, Amount::Percent(15.0));
    assert!(!config.node.mdns);
    assert_eq!(config.backup.exclude_if_present, [".nobackup"]);
}

#[test]
fn a_wrong_key_or_value_is_named_with_its_line() {
    for (text, line, part) in [
        ("[node]\nname = \"a\"\nlisen = []\n", 3, "lisen"),
        ("[nodes]\n", 1, "nodes"),
        ("\n[donate]\nsize = \"lots\"\n", 3, "200 GiB"),
        ("[donate]\nmin-free = \"101%\"\n", 2, "15%"),
        ("[placement]\nredundancy = \"8\"\n", 2, "8+4"),
        ("[node]\nmdns = 3\n", 2, "boolean"),
        ("[node\n", 1, ""),
    ] {
        let error = parse(text).unwrap_err();
        let message = error.to_string();
        assert!(message.contains(&format!("config.toml, line {line}:")), "{text}: {message}");
        assert!(message.contains(part), "{text}: {message}");
    }
}

#[test]
fn shares_are_of_the_disk_and_the_donation_counts_what_is_lent_already() {
    let donate = parse("[donate]\nsize = \"50%\"\nmin-free = \"10%\"\n").unwrap().donate;
    let space = DiskSpace { total_bytes: 1000, free_bytes: 300 };
    let donation = donate.on(space, 100);
    assert_eq!(donation.size_bytes, 200);
    assert_eq!(donation.min_free_bytes, 100);
}

proptest! {
    #[test]
    fn an_amount_reads_back_as_it_was_printed(bytes in any::<u64>(), shift in 0_u32..44) {
        for amount in [Amount::Bytes(bytes >> 11 << shift.min(11)), Amount::Bytes(bytes >> 20)] {
            prop_assert_eq!(amount.to_string().parse::<Amount>(), Ok(amount));
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in ".{0,200}") {
        prop_assert!(text.parse::<Amount>().map_or(true, |amount| amount.of(100) < u64::MAX));
        prop_assert!(parse(&text).map_or_else(|error| !error.to_string().is_empty(), |_| true));
    }
}
