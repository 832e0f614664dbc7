//! Lengths of time, in and out.

use std::path::Path;

use super::*;
use crate::config::Config;

#[test]
fn periods_read_as_people_write_them_and_print_as_they_read() {
    for (text, secs) in [("6h", 21_600), ("every 6h", 21_600), ("3 days", 259_200), ("90s", 90)] {
        let period: Period = text.parse().unwrap();
        assert_eq!(period.0.as_secs(), secs, "{text}");
        assert_eq!(period.to_string().parse(), Ok(period), "{text}");
    }
    for text in ["", "every", "6", "-1h", "0s", "20y", "often"] {
        assert_eq!(text.parse::<Period>(), Err(NotAPeriod), "{text}");
    }
}

#[test]
fn the_rules_of_repair_are_settings() {
    let text = "[repair]\npresume-lost-after = \"2d\"\nup = \"1 MiB\"\n\
                [schedule]\naudit = \"every 1h\"\n[placement]\nrepair-at = 10\n";
    let config = Config::parse(text, Path::new("config.toml")).unwrap();
    assert_eq!(config.repair.presume_lost_after.unwrap().0.as_secs(), 172_800);
    assert_eq!(config.repair.up, Rate(1 << 20));
    let share = toml::from_str::<Config>("[repair]\nup = \"50%\"\n").unwrap_err();
    assert!(share.to_string().contains("not bytes a second"), "{share}");
    assert_eq!(config.schedule.audit.0.as_secs(), 3600);
    assert_eq!(config.placement.repair_at, Some(10));
    assert!(Config::parse("[repair]\nlater = \"2d\"\n", Path::new("c")).is_err());
}
