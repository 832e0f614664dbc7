//! Units and crontabs as they are written.

use std::path::Path;

use super::*;
use crate::cli::commands::fake::same_as_file;

fn place() -> Place {
    Place {
        program: "/opt/my programs/gbak".into(),
        home: "/home/ada/.local/share/gbak".into(),
        passphrase_file: None,
    }
}

fn sets(schedules: &[(&str, &str)]) -> ScheduleView {
    let set = |(name, schedule): &(&str, &str)| SetView {
        name: (*name).to_owned(),
        schedule: Some((*schedule).to_owned()),
        ..SetView::default()
    };
    let mut sets: Vec<SetView> = schedules.iter().map(set).collect();
    sets.push(SetView { name: "by-hand".to_owned(), ..SetView::default() });
    ScheduleView { sets, ..ScheduleView::default() }
}

#[test]
fn units_and_crontabs_look_like_this() {
    let view = sets(&[("documents", "0 * * * *"), ("etc", "30 2 1 * 1"), ("odd", "every 7h")]);
    let page = [
        format!("# {}\n{}", place().unit(), place().agent().unwrap()),
        place().timers(&view).unwrap(),
        place().crontab(&view).unwrap(),
    ];
    same_as_file(Path::new("src/cli/golden/units.txt"), &page.join("\n"));
}

#[test]
fn what_cron_can_do_at_intervals_it_is_told() {
    let told = |schedule: &str| fields(&schedule.parse().unwrap());
    assert_eq!(told("every 15m").as_deref(), Some("*/15 * * * *"));
    assert_eq!(told("every 4h").as_deref(), Some("0 */4 * * *"));
    assert_eq!(told("every 1d").as_deref(), Some("0 0 * * *"));
    for odd in ["every 7h", "every 50m", "every 90s", "every 2d"] {
        assert_eq!(told(odd), None, "{odd}");
    }
}

#[test]
fn signs_in_paths_mean_themselves() {
    let odd = Place {
        program: "/a \"b\" $HOME %h \\ 'c'/gbak".into(),
        home: "/100%".into(),
        passphrase_file: Some("/it's".into()),
    };
    let unit = odd.agent().unwrap();
    assert!(unit.contains(r#"ExecStart="/a \"b\" $$HOME %%h \\ 'c'/gbak" daemon"#), "{unit}");
    assert!(unit.contains("Environment=\"GBAK_HOME=/100%%\""), "{unit}");
    let lines = odd.crontab(&sets(&[("a", "hourly")])).unwrap();
    assert!(lines.contains(r"GBAK_HOME='/100\%' GBAK_PASSPHRASE_FILE='/it'\''s'"), "{lines}");
    let broken = Place { home: "/two\nlines".into(), ..odd.clone() };
    assert_eq!(broken.agent().unwrap_err().exit, 2);
    assert_ne!(odd.unit(), place().unit());
}
