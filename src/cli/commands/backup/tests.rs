//! A backup as people and scripts see it, and what its flags ask of the engine.

use super::*;
use crate::api::{Event, ProblemView, Progress, RedundancyView, WitnessView};
use crate::cli::commands::fake::{Fake, golden, ran};

fn summary() -> BackupSummary {
    BackupSummary {
        snapshot_id: Some("5c2cdf87".repeat(8)),
        files_new: 12,
        files_changed: 3,
        files_unmodified: 41_218,
        total_files_processed: 41_233,
        total_bytes_processed: 32_105_005_056,
        data_added: 2_254_857_830,
        data_added_packed: 1_503_238_553,
        bytes_sent: 2_254_857_830,
        redundancy: RedundancyView { k: 8, m: 4, domains: 12, can_lose: 4 },
        peers_used: 12,
        witnesses: WitnessView { asked: 12, confirmed: 11 },
        seconds_elapsed: 41.23,
        ..BackupSummary::default()
    }
}

fn problem() -> ProblemView {
    ProblemView {
        item: "/home/ada/\u{1b}[2Jsecret".to_owned(),
        path_b64: None,
        message: "Permission denied".to_owned(),
    }
}

fn fake(summary: BackupSummary) -> Fake {
    Fake::answering(Answer::Backup(summary))
}

fn asked(line: &str) -> BackupArgs {
    let fake = fake(summary());
    ran(&fake, line);
    let state = fake.0.borrow();
    let Call::Backup(args) = &state.calls[0] else { panic!("{:?}", state.calls) };
    args.clone()
}

fn events() -> Vec<Event> {
    let at = |seconds: f64, done: f64| {
        Event::Status(Progress {
            seconds_elapsed: seconds,
            percent_done: done,
            total_files: 100,
            files_done: (done * 100.0) as u64,
            total_bytes: 1 << 30,
            bytes_done: (done * f64::from(1 << 30)) as u64,
            bytes_sent: 1 << 20,
            shards_placed: 6,
            shards_wanted: 12,
            peers_used: 3,
            error_count: 1,
            current_files: vec!["/home/ada/a".to_owned()],
        })
    };
    let warning = Event::Warning { message: "no agent runs here".to_owned() };
    vec![
        warning,
        at(0.1, 0.0),
        at(0.2, 0.1),
        at(10.0, 0.25),
        at(31.0, 0.5),
        Event::Error(problem()),
    ]
}

#[test]
fn a_backup_tells_what_is_safe() {
    let queued = BackupSummary { queued_packs: 3, exit: 4, ..summary() };
    let partial = BackupSummary { problems: vec![problem()], exit: 3, ..summary() };
    let dry = BackupSummary { snapshot_id: None, dry_run: true, ..summary() };
    let same = BackupSummary { snapshot_id: None, ..summary() };
    let crowded = BackupSummary {
        redundancy: RedundancyView { k: 8, m: 4, domains: 3, can_lose: 1 },
        notes: vec!["12 shards share 3 places: 1 of them may be lost".to_owned()],
        ..summary()
    };
    golden(
        "backup",
        &[
            ran(&fake(summary()), "gbak backup /home"),
            ran(&fake(queued), "gbak backup /home --spool"),
            ran(&fake(partial).with_events(events()), "gbak backup /home"),
            ran(&fake(dry), "gbak backup -n /home"),
            ran(&fake(same), "gbak backup --skip-if-unchanged /home"),
            ran(&fake(crowded), "gbak backup --max-shards-per-site 4 /home"),
        ],
    );
}

#[test]
fn a_backup_in_json_is_lines_and_the_summary_last() {
    let partial = BackupSummary { problems: vec![problem()], exit: 3, ..summary() };
    let shown = ran(&fake(partial).with_events(events()), "gbak backup /home --json");
    let last = shown.out.lines().last().unwrap();
    assert!(last.starts_with(r#"{"message_type":"summary","snapshot_id":"5c2cdf87"#), "{last}");
    golden("backup-json", &[shown]);
}

#[test]
fn quiet_leaves_errors_and_the_exit_code() {
    let partial = BackupSummary { problems: vec![problem()], exit: 3, ..summary() };
    let shown = ran(&fake(partial).with_events(events()), "gbak backup /home -q");
    assert_eq!((shown.out.as_str(), shown.exit), ("", 3));
    assert!(shown.err.contains("Permission denied") && !shown.err.contains("no agent"));
}

#[test]
fn a_failed_backup_explains_itself() {
    let failure = || codes::TOO_FEW_PEERS.failure("The policy wants 12 peers, 9 are usable");
    let own = Failure { help: vec!["gbak peers --all".to_owned()], ..failure() };
    golden(
        "failure",
        &[
            ran(&Fake::answering(Err(failure())), "gbak backup /home"),
            ran(&Fake::answering(Err(failure())), "gbak backup /home --json"),
            ran(&Fake::answering(Err(own)), "gbak backup /home"),
        ],
    );
}

#[test]
fn every_flag_reaches_the_engine() {
    let args = asked(
        "gbak backup /a /b -e *.tmp --exclude node_modules --exclude-caches \
         --exclude-if-present .nobackup --exclude-larger-than 1GiB -x --tag a,b --tag c -H nas -f \
         -n --skip-if-unchanged --redundancy 8+4 --spool --compression max --wait-peers 1m",
    );
    assert_eq!(args.paths, [PathBytes(b"/a".to_vec()), PathBytes(b"/b".to_vec())]);
    assert_eq!(args.exclude, ["*.tmp", "node_modules"]);
    assert_eq!(args.exclude_if_present, [".nobackup"]);
    assert_eq!(args.exclude_larger_than, Some(1 << 30));
    assert_eq!(args.tags, ["a", "b", "c"]);
    assert_eq!(args.host.as_deref(), Some("nas"));
    assert_eq!(args.redundancy.as_deref(), Some("8+4"));
    assert_eq!((args.compression, args.wait_peers_secs), (Some(19), Some(60)));
    assert!(args.exclude_caches && args.one_file_system && args.force && args.dry_run);
    assert!(args.skip_if_unchanged && args.spool);
}

#[test]
fn without_flags_the_engine_decides() {
    let args = asked("gbak backup /a --redundancy auto");
    assert_eq!((args.redundancy, args.compression, args.wait_peers_secs), (None, None, None));
}

#[test]
fn a_relative_path_is_made_absolute_and_links_in_it_stay() {
    let here = tempfile::tempdir().unwrap();
    let link = here.path().join("link");
    std::os::unix::fs::symlink("/", &link).unwrap();
    let args = asked(&format!("gbak backup {}/etc relative/x", link.display()));
    assert_eq!(args.paths[0].0, format!("{}/etc", link.display()).into_bytes());
    let current = std::env::current_dir().unwrap();
    assert_eq!(args.paths[1].0, current.join("relative/x").as_os_str().as_bytes());
}

#[test]
fn pattern_files_are_read_here() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "# caches\n\n*.o  \n/target\n").unwrap();
    let args = asked(&format!("gbak backup /a -e x --exclude-file {}", file.path().display()));
    assert_eq!(args.exclude, ["x", "*.o", "/target"]);
    let fake = fake(summary());
    assert_eq!(ran(&fake, "gbak backup /a --exclude-file /nowhere/x").exit, codes::FILE.exit);
    assert!(fake.0.borrow().calls.is_empty());
}

#[test]
fn many_problems_are_counted_and_some_repeated() {
    let problems = vec![problem(); 33];
    let shown = ran(&fake(BackupSummary { problems, exit: 3, ..summary() }), "gbak backup /a");
    assert!(shown.err.contains("33 problems:") && shown.err.contains("and 13 more"));
}

#[test]
fn an_answer_to_another_call_is_a_failure() {
    let fake = Fake::answering(Answer::Restore(crate::api::RestoreSummary::default()));
    assert_eq!(ran(&fake, "gbak backup /a").exit, 1);
}

#[test]
fn limits_are_passed_on_as_they_were_typed() {
    let args = asked(
        "gbak backup --latency 2ms..150ms --spread ..300ms --max-shards-per-peer 2 \
         --max-shards-per-site 3 --max-shards-per-owner 4 --domains strict --unmet relax /home",
    );
    let limits = crate::api::LimitArgs {
        latency: Some("2ms..150ms".to_owned()),
        spread: Some("..300ms".to_owned()),
        per_peer: Some(2),
        per_site: Some(3),
        per_owner: Some(4),
        domains: Some(crate::api::DomainsRule::Strict),
        unmet: Some(crate::api::UnmetRule::Relax),
    };
    assert_eq!(args.limits, limits);
    assert_eq!(asked("gbak backup /home").limits, crate::api::LimitArgs::default());
}
