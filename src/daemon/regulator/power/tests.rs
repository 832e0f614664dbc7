//! Promises about batteries and metered networks, over made-up descriptions.

use tempfile::TempDir;

use super::*;

/// Supplies with what they say.
fn supplies(all: &[(&str, &[(&str, &str)])]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, said) in all {
        std::fs::create_dir(dir.path().join(name)).unwrap();
        for (what, text) in *said {
            std::fs::write(dir.path().join(name).join(what), format!("{text}\n")).unwrap();
        }
    }
    dir
}

#[test]
fn a_laptop_is_on_battery_when_it_is_unplugged() {
    let laptop = |online, status| {
        let ac = ("AC", &[("type", "Mains"), ("online", online)][..]);
        let battery = ("BAT0", &[("type", "Battery"), ("status", status)][..]);
        on_battery(supplies(&[ac, battery]).path())
    };
    assert_eq!(laptop("1", "Charging"), Some(false));
    assert_eq!(laptop("0", "Discharging"), Some(true));
    assert_eq!(laptop("0", "Full"), Some(true));
    assert_eq!(laptop("1", "Discharging"), Some(false), "plugged in, and drawing more than that");
}

#[test]
fn what_the_system_does_not_tell_is_unknown() {
    assert_eq!(on_battery(Path::new("/no/such/directory")), None);
    assert_eq!(on_battery(supplies(&[]).path()), Some(false), "nothing to be on");
    let mouse = [("type", "Battery"), ("scope", "Device"), ("status", "Discharging")];
    assert_eq!(on_battery(supplies(&[("hidpp", &mouse)]).path()), Some(false));
    let silent = ("BAT0", &[("type", "Battery")][..]);
    assert_eq!(on_battery(supplies(&[silent]).path()), None);
    let alone = ("BAT0", &[("type", "Battery"), ("status", "Discharging")][..]);
    assert_eq!(on_battery(supplies(&[alone]).path()), Some(true));
}

#[test]
fn network_managers_answer_is_understood_or_unknown() {
    assert_eq!(of_answer(b"u 1\n"), Some(true));
    assert_eq!(of_answer(b"u 3\n"), Some(true), "a guess, such as a phone's hotspot");
    assert_eq!((of_answer(b"u 2\n"), of_answer(b"u 4\n")), (Some(false), Some(false)));
    for unknown in [&b"u 0\n"[..], b"", b"s \"yes\"", b"\xff"] {
        assert_eq!(of_answer(unknown), None);
    }
}
