//! Promises of the settings.

use std::path::Path;

use proptest::prelude::*;
use store::DiskSpace;

use super::{Amount, Config, ConfigError, Grow, LentDisk, Speed, limits};

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
         [limits]\nup = \"4 MiB/s\"\non-battery = \"pause\"\nio = \"idle\"\n\
         on-metered = \"pause\"\n\
         [[limits.windows]]\nduring = \"08:00-18:00\"\ndays = \"mon-fri\"\nup = \"512 KiB/s\"\n\
         [placement]\nredundancy = \"8+4\"\nlatency = \"2ms..150ms\"\n\
         spread = \"5ms..300ms\"\nmax-shards-per-peer = 1\nmax-shards-per-site = 2\n\
         unmet = \"fail\"\ndomains = \"spread\"\n\
         [backup]\nexclude-caches = true\nexclude-if-present = [\".nobackup\"]\n",
    )
    .unwrap();
    assert_eq!(config.donate.size, Amount::Bytes(200 << 30));
    assert_eq!(config.donate.min_free, Amount::Percent(15.0));
    assert!(!config.node.mdns);
    assert_eq!(config.limits.on_battery, limits::Then::Pause);
    assert_eq!(config.limits.windows[0].to_string(), "08:00-18:00 mon,tue,wed,thu,fri");
    assert_eq!(config.limits.windows[0].up.map(Speed::bytes), Some(512 << 10));
    assert_eq!(config.backup.exclude_if_present, [".nobackup"]);
}

#[test]
fn how_the_disks_are_followed_is_read_and_written() {
    let config = parse(
        "[donate]\ngrow = \"25% of added\"\nceiling = \"1 TiB\"\ngrace = \"90m\"\n\
         look-every = \"2s\"\n",
    );
    let donate = config.unwrap().donate;
    assert_eq!(donate.grow, Grow::OfAdded(25.0));
    assert_eq!(donate.ceiling, Some(Amount::Bytes(1 << 40)));
    assert_eq!((donate.grace.0, donate.look_every.0), (5400, 2));
    for rule in [Grow::Off, Grow::OfAdded(12.5)] {
        assert_eq!(rule.to_string().parse(), Ok(rule));
    }
    for wrong in ["grow = \"25%\"", "grow = \"101% of added\"", "grace = \"-1h\""] {
        assert!(parse(&format!("[donate]\n{wrong}\n")).is_err(), "{wrong}");
    }
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
        ("[limits]\nup = \"31 KiB/s\"\n", 2, "gbak pause"),
        ("[limits]\nnice = 20\n", 2, "0 to 19"),
        ("[[limits.windows]]\nduring = \"8\"\n", 2, "08:00-18:00"),
        ("[limits]\non-battery = \"stop\"\n", 2, "pause"),
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

#[test]
fn saving_changes_only_what_differs_and_keeps_what_a_person_wrote() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    let text = "# My machine.\n[donate] # for friends\nsize = \"20 GiB\" # a lot\n\n\
                [node]\n# Attic!\nname = 'attic'\n\
                listen = [\n    \"/ip4/0.0.0.0/tcp/1\", # LAN\n]\n\
                limits = 3\n";
    let wrong = text;
    std::fs::write(&path, wrong).unwrap();
    assert!(Config::load(&path).is_err());
    assert!(Config::default().save(&path).is_err(), "a file that is wrong is not written over");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), wrong);
    let text = text.replace("limits = 3\n", "");
    std::fs::write(&path, &text).unwrap();
    let mut config = Config::load(&path).unwrap();
    config.save(&path).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "nothing differs");
    config.donate.size = Amount::Bytes(30 << 30);
    config.limits.up = "1 MiB/s".parse().unwrap();
    config.node.site = Some("home".to_owned());
    config.save(&path).unwrap();
    let after = std::fs::read_to_string(&path).unwrap();
    for kept in [
        "# My machine.",
        "# for friends",
        "\"30 GiB\" # a lot",
        "# Attic!",
        "# LAN",
        "name = 'attic'",
        "[limits]\nup = \"1 MiB/s\"",
    ] {
        assert!(after.contains(kept), "{kept}:\n{after}");
    }
    assert!(!after.contains("mdns"), "defaults are not written out:\n{after}");
    assert_eq!(Config::load(&path).unwrap(), config);
    config.node.site = None;
    config.limits.up = Speed::default();
    config.save(&path).unwrap();
    assert_eq!(Config::load(&path).unwrap(), config);
    assert!(!std::fs::read_to_string(&path).unwrap().contains("site"));
}

#[test]
fn an_inline_table_can_be_changed_as_well() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    std::fs::write(&path, "limits = { up = \"2 MiB/s\" } # thin\n").unwrap();
    let mut config = Config::load(&path).unwrap();
    config.limits.up = "3 MiB/s".parse().unwrap();
    config.limits.down = "100 KiB/s".parse().unwrap();
    config.save(&path).unwrap();
    assert_eq!(Config::load(&path).unwrap(), config);
    assert!(std::fs::read_to_string(&path).unwrap().contains("# thin"));
}

const BY_HAND: &str = "# my own words
[node]
name = 'attic'   # the one under the roof

[donate]
# not too much
size = \"200 GB\"  # of the big one
min-free='15%'
grow_is_not_a_key_here = 0

[backup]
exclude = [ \"*.tmp\",
  # and these
  \"*.o\" ]
";

#[test]
fn a_change_of_what_is_lent_leaves_the_rest_of_the_file_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    let text = BY_HAND.replace("grow_is_not_a_key_here = 0\n", "");
    std::fs::write(&path, &text).unwrap();
    let mut donate = Config::load(&path).unwrap().donate;
    donate.size = Amount::Bytes(100 << 30);
    Config::save_donate(&path, &donate).unwrap();
    let changed = text.replace("\"200 GB\"", "\"100 GiB\"");
    let changed = changed.replace("min-free='15%'\n", "min-free='15%'\nsafe-area = \"256 MiB\"\n");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), changed);
    let usb = |donate| LentDisk {
        path: "/mnt/usb".into(),
        donate: Amount::Bytes(donate),
        min_free: Some(Amount::Percent(3.0)),
        safe_area: None,
    };
    let nas = LentDisk { path: "/mnt/nas".into(), min_free: None, ..usb(7) };
    for disks in [vec![usb(5)], vec![usb(6), nas.clone()], vec![nas], Vec::new()] {
        donate.disks = disks;
        Config::save_donate(&path, &donate).unwrap();
        assert_eq!(Config::load(&path).unwrap().donate, donate);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("# not too much") && text.contains("# and these"), "{text}");
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), changed);
}

#[test]
fn a_file_that_is_wrong_is_not_changed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    std::fs::write(&path, BY_HAND).unwrap();
    let error = Config::save_donate(&path, &Config::default().donate).unwrap_err();
    assert!(matches!(error, ConfigError::Wrong { line: 9, .. }), "{error}");
    let told = error.to_string();
    let once = std::error::Error::source(&error).is_none() && !told.contains('\n');
    assert!(once, "what is wrong is told once, in one line: {told}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), BY_HAND);
}

#[test]
fn a_donation_that_cannot_be_changed_in_place_is_written_anew() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    std::fs::write(&path, "donate = { size = \"1 GiB\" }\n").unwrap();
    let mut donate = Config::load(&path).unwrap().donate;
    donate.size = Amount::Bytes(5);
    Config::save_donate(&path, &donate).unwrap();
    assert_eq!(Config::load(&path).unwrap().donate, donate);
    std::fs::remove_file(&path).unwrap();
    Config::save_donate(&path, &donate).unwrap();
    assert_eq!(Config::load(&path).unwrap().donate, donate);
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
