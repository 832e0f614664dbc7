//! Backup sets of the settings: backed up by the agent when they are due, and when asked.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use gbak::demo::agents::Agent;
use serde_json::Value;

use super::leaving::source;
use super::rig::{Rig, init_args, online, restores};

/// Adds sets to the settings of a home.
fn configure(agent: &Agent, sets: &[(&str, &Path, &str)]) {
    let file = agent.home().join("config.toml");
    let mut text = fs::read_to_string(&file).unwrap();
    for (name, path, rest) in sets {
        let head = format!("\n[[backup.sets]]\nname = \"{name}\"\ntags = [\"{name}\"]\n");
        let sources = format!("sources = [\"{}\"]\nredundancy = \"1+1\"\n", path.display());
        text.extend([&head, &sources, *rest, "\n"]);
    }
    fs::write(file, text).unwrap();
}

/// The snapshots of the set with this tag.
fn snapshots(agent: &Agent, tag: &str) -> Vec<String> {
    let (view, _) = agent.run(&["snapshots", "--json"]).unwrap();
    let all = view["snapshots"].as_array().unwrap().iter();
    let tagged = all.filter(|it| it["tags"].as_array().unwrap().iter().any(|one| one == tag));
    tagged.map(|it| it["id"].as_str().unwrap().to_owned()).collect()
}

fn set(agent: &Agent, name: &str) -> Value {
    let view = agent.expect(&["schedule", "--json"]).unwrap();
    let found = view["sets"].as_array().unwrap().iter().find(|set| set["name"] == name);
    found.unwrap().clone()
}

fn reasons(agent: &Agent) -> String {
    agent.run(&["status", "--json"]).unwrap().0["reasons"].to_string()
}

#[test]
fn the_agent_backs_up_a_set_when_it_is_due_and_others_only_when_asked() {
    let rig = Rig::new(4);
    let ada = &rig.agents[0];
    online(ada, 3);
    let (due, asked) = (source(&rig, "due", 3), source(&rig, "asked", 3));
    let exit = |args: &[&str]| ada.command(args).output().unwrap().status.code();
    assert_eq!(exit(&["backup"]), Some(2), "there is no set yet");
    configure(
        ada,
        &[
            ("hourly", &due, "schedule = \"hourly\"\nmax-age = \"1d\""),
            ("by-hand", &asked, "max-age = \"1d\""),
        ],
    );
    // The running agent reads the settings again.
    assert!((0..2_000).any(|_| set(ada, "hourly")["last_exit"] == 0), "never backed up");
    let made = snapshots(ada, "hourly");
    assert_eq!(made.len(), 1);
    restores(&rig, ada, &made[0], &due, &due);
    let hourly = set(ada, "hourly");
    assert!(hourly["next"].as_str() > hourly["last_started"].as_str(), "{hourly}");
    assert!(hourly["late"] == false && set(ada, "by-hand")["last_started"].is_null());
    assert!(reasons(ada).contains("The set by-hand has never been backed up"), "{}", reasons(ada));
    // Asked for: one, all, and with the other's name.
    let summary = ada.expect(&["backup", "--set", "by-hand", "--json"]).unwrap();
    let made = snapshots(ada, "by-hand");
    assert_eq!(made, [summary["snapshot_id"].as_str().unwrap()]);
    restores(&rig, ada, &made[0], &asked, &asked);
    assert!(!reasons(ada).contains("by-hand"), "{}", reasons(ada));
    ada.expect(&["backup", "--json"]).unwrap();
    assert_eq!((snapshots(ada, "hourly").len(), snapshots(ada, "by-hand").len()), (2, 2));
    ada.expect(&["schedule", "run", "by-hand", "--json"]).unwrap();
    assert_eq!(snapshots(ada, "by-hand").len(), 3);
    assert_eq!(exit(&["backup", "--set", "nobody"]), Some(2));
    // Skipped: the next time is an hour later.
    let before = set(ada, "hourly")["next"].as_str().unwrap().to_owned();
    ada.expect(&["schedule", "skip", "hourly", "--json"]).unwrap();
    assert!(set(ada, "hourly")["next"].as_str().unwrap() > before.as_str());
    let cron = ada.command(&["schedule", "print", "--format", "cron"]).output().unwrap();
    let cron = String::from_utf8(cron.stdout).unwrap();
    assert!(cron.starts_with("0 * * * * GBAK_HOME='") && cron.lines().count() == 1, "{cron}");
}

#[test]
fn a_line_for_cron_backs_its_set_up_without_an_agent() {
    let mut rig = Rig::new(3);
    online(&rig.agents[0], 2);
    let tree = source(&rig, "tree", 2);
    configure(&rig.agents[0], &[("tree", &tree, "schedule = \"0 3 * * *\"")]);
    rig.agents[0].stop();
    let ada = &rig.agents[0];
    let cron = ada.command(&["schedule", "print", "--format", "cron"]).output().unwrap();
    let line = String::from_utf8(cron.stdout).unwrap();
    let command = line.trim_end().strip_prefix("0 3 * * * ").unwrap();
    let ran = std::process::Command::new("/bin/sh").args(["-c", command]).env_clear().output();
    let ran = ran.unwrap();
    assert!(ran.status.success(), "{command}: {}", String::from_utf8_lossy(&ran.stderr));
    assert_eq!(snapshots(ada, "tree").len(), 1);
    assert_eq!(set(ada, "tree")["last_exit"], 0);
}

/// A program that notes how it was called, in place of systemd's.
fn fake_systemctl(dir: &Path) {
    fs::create_dir(dir).unwrap();
    let (program, log) = (dir.join("systemctl"), dir.join("log"));
    fs::write(&program, format!("#!/bin/sh\necho \"$@\" >> '{}'\n", log.display())).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn the_service_is_written_where_systemd_looks_and_its_command_runs_the_agent_of_this_home() {
    let mut rig = Rig::new(1);
    rig.agents[0].stop();
    let ada = &rig.agents[0];
    let bin = rig.path("bin");
    fake_systemctl(&bin);
    let path = format!("{}:/usr/bin:/bin", bin.display());
    let config = rig.path("config");
    let service = |args: &[&str]| {
        let mut command = ada.command(&[&["service"], args].concat());
        command.env("PATH", &path).env("XDG_CONFIG_HOME", &config).output().unwrap()
    };
    let printed = service(&["install", "--print"]);
    let unit = String::from_utf8(printed.stdout).unwrap();
    assert!(!config.exists() && unit.contains("ExecStart="), "{unit}");
    let installed = service(&["install"]);
    assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
    let units: Vec<_> = fs::read_dir(config.join("systemd/user")).unwrap().collect();
    let file = units.into_iter().next().unwrap().unwrap().path();
    assert_eq!(fs::read_to_string(&file).unwrap().trim_end(), unit.trim_end());
    let name = file.file_name().unwrap().to_str().unwrap().to_owned();
    let log = || fs::read_to_string(bin.join("log")).unwrap();
    assert_eq!(log(), format!("--user daemon-reload\n--user enable --now {name}\n"));
    // What it starts is the agent of this home.
    let line = |key: &str| {
        let line = unit.lines().find_map(|line| line.strip_prefix(key)).unwrap();
        line.replace('"', "")
    };
    let (start, home) = (line("ExecStart="), line("Environment="));
    let (program, args) = start.rsplit_once(' ').unwrap();
    let (key, value) = home.split_once('=').unwrap();
    let mut agent = std::process::Command::new(program);
    let agent = agent.arg(args).env_clear().env(key, value).stdout(std::process::Stdio::null());
    let mut running = agent.stderr(std::process::Stdio::null()).spawn().unwrap();
    let answers = ada.run(&["status", "--wait-ready", "60s", "--json"]);
    running.kill().unwrap();
    running.wait().unwrap();
    assert_eq!(answers.unwrap().1, 0);
    assert!(service(&["uninstall"]).status.success() && !file.exists());
    assert!(log().contains(&format!("--user disable --now {name}\n")));
    assert_eq!(service(&["uninstall"]).status.code(), Some(2), "it is not there any more");
    let elsewhere = rig.path("units");
    service(&["install", "--dir", elsewhere.to_str().unwrap()]);
    assert!(elsewhere.join(&name).exists() && log().lines().count() == 4, "{}", log());
}

#[test]
fn a_home_can_be_made_with_its_service() {
    let rig = Rig::new(0);
    let (bin, config) = (rig.path("bin"), rig.path("config"));
    fake_systemctl(&bin);
    let (ada, words) = (rig.home("ada"), rig.words("ada"));
    let mut args = init_args("ada", &words);
    args.push("--service");
    let path = format!("{}:/usr/bin:/bin", bin.display());
    let made = ada.command(&args).env("PATH", &path).env("XDG_CONFIG_HOME", &config).output();
    let made = made.unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let log = fs::read_to_string(bin.join("log")).unwrap();
    assert!(log.contains("enable --now gbak-"), "{log}");
    let view: Value = serde_json::from_slice(&made.stdout).unwrap();
    assert_eq!(view["schema"], "gbak.init/1", "one document, whatever else is done");
}

#[test]
fn a_ping_says_how_fast_a_machine_answers_and_ends_with_21_when_it_does_not() {
    let mut rig = Rig::new(2);
    online(&rig.agents[0], 1);
    let args = ["peers", "ping", "peer1", "--count", "2", "--json"];
    let view = rig.agents[0].expect(&args).unwrap();
    assert_eq!(view["rtts_ms"].as_array().unwrap().len(), 2, "{view}");
    assert!(view["rtts_ms"][0].as_f64().unwrap() > 0.0 && view["path"] == "lan", "{view}");
    rig.agents[1].kill();
    let (view, exit) = rig.agents[0].run(&args).unwrap();
    assert_eq!((exit, &view["rtts_ms"]), (21, &serde_json::json!([])), "{view}");
}
