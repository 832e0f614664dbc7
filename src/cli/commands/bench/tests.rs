//! A benchmark as people and scripts see it.

use std::path::Path;

use serde_json::Value;

use super::*;
use crate::api::limits::{LimitsView, SpeedsView};
use crate::api::{AuditView, GaugeView, PeerView, PeersView, TotalsView};
use crate::cli::commands::fake::{Fake, ran, same_as_file};
use crate::cli::output::Units;

fn plan() -> Plan {
    Plan { bytes: 1 << 20, code: "3+2".parse().unwrap(), level: LEVEL }
}

/// A machine with a source at 50 MB/s, if it has one, and this link.
fn view(source: bool, link: Option<LinkView>) -> BenchView {
    let took = [1, 2, 10, 4, 3, 5].map(Duration::from_millis);
    let machine = Machine { threads: 2, took, bytes: 1 << 20, stored: 600 << 10 };
    let sync = Duration::from_micros(1_234);
    let disk = Disk { write: Some(4e8), sync, files: Some(9_000.0), read: Some(5e8) };
    let took = Duration::from_secs(2);
    let read = Source { files: 1234, bytes: 100_000_000, unread: 1, took };
    let source = source.then_some((Path::new("/home/ada"), read));
    super::view(&Measured { plan: &plan(), machine: &machine, disk: &disk, source }, link)
}

fn link(up: Option<u64>) -> LinkView {
    LinkView {
        up_bytes_per_second: up,
        peers_online: 5,
        rtt_ms: Some(12.5),
        rtt_ms_most: Some(80.0),
        ..LinkView::default()
    }
}

fn holder(name: &str, up: u64) -> GaugedView {
    GaugedView {
        peer_id: "00".to_owned(),
        name: name.to_owned(),
        rtt_ms: Some(12.5),
        down_bytes_per_second: Some(3 << 20),
        up_bytes_per_second: Some(up).filter(|up| *up > 0),
    }
}

fn measured(up: u64, down: u64) -> LinkView {
    LinkView {
        measured_up_bytes_per_second: Some(up),
        measured_down_bytes_per_second: Some(down),
        holders: vec![holder("attic", 1 << 20), holder("office", 0)],
        ..link(None)
    }
}

fn limits(up: u64) -> LimitsView {
    let speeds = SpeedsView { up: Some(up), ..SpeedsView::default() };
    LimitsView {
        schema: "gbak.limits/1".to_owned(),
        in_force: speeds,
        configured: speeds,
        reasons: Vec::new(),
        backups_paused: None,
        serving_paused: None,
        sent_bytes: 0,
        received_bytes: 0,
    }
}

fn peer(rtt_ms: Option<f64>) -> PeerView {
    PeerView {
        peer_id: String::new(),
        name: String::new(),
        owner_id: String::new(),
        state: "online".to_owned(),
        rtt_ms,
        site: None,
        total_bytes: 0,
        reserved_bytes: 0,
        donated_bytes: 0,
        used_bytes: 0,
        free_bytes: 0,
        mine_here_bytes: 0,
        stated: None,
        theirs_here_bytes: 0,
        path: "lan".to_owned(),
        audit: AuditView::default(),
        standing: String::new(),
        away_until: None,
        last_seen: None,
        since: String::new(),
    }
}

fn peers(rtts: &[f64]) -> PeersView {
    let peers = rtts.iter().map(|rtt| peer(Some(*rtt))).collect();
    let (schema, totals) = ("gbak.peers/1".to_owned(), TotalsView::default());
    PeersView { schema, me: peer(None), peers, totals, can_lose: None }
}

#[test]
fn a_benchmark_is_told_in_words() {
    let pages = [
        view(false, None),
        view(false, Some(link(None))),
        view(false, Some(link(Some(2 << 20)))),
        view(true, Some(measured(1 << 20, 6 << 20))),
        view(true, Some(LinkView { up_bytes_per_second: Some(4 << 20), ..measured(9 << 20, 1) })),
    ];
    let pages = pages.map(|view| text::page(&view, Units::Iec) + "\n");
    same_as_file(Path::new("src/cli/golden/bench.txt"), &pages.join("\n"));
}

#[test]
fn what_is_slowest_is_what_limits() {
    let fast = view(false, None);
    assert_eq!((fast.limit.by, fast.limit.bytes_per_second), ("processor", 104_857_600));
    let slow = view(true, None);
    assert_eq!((slow.limit.by, slow.limit.bytes_per_second), ("source", 50_000_000));
    assert!((slow.limit.hours_per_100_gb - 0.56).abs() < 1e-9, "{slow:?}");
    let machine = Machine { threads: 64, bytes: 1 << 20, stored: 1 << 20, ..Machine::default() };
    let disk = Disk { write: Some(3e6), ..Disk::default() };
    let of = |link| {
        let (plan, disk) = (plan(), disk);
        let here = Measured { plan: &plan, machine: &machine, disk: &disk, source: None };
        super::view(&here, Some(link))
    };
    assert_eq!(of(link(None)).limit.by, "disk");
    let sent = of(link(Some(3_000_000))).limit;
    // Five shards leave for every three bytes.
    assert_eq!((sent.by, sent.bytes_per_second), ("link", 1_800_000));
    let read = Disk { read: Some(1e6), ..disk };
    let here = Measured { plan: &plan(), machine: &machine, disk: &read, source: None };
    assert_eq!(super::view(&here, None).limit.by, "source");
}

#[test]
fn a_measured_link_goes_before_a_limit_and_what_was_said_only_makes_it_less() {
    let machine = Machine { threads: 64, bytes: 1 << 20, stored: 1 << 20, ..Machine::default() };
    let of = |link| {
        let (plan, disk) = (plan(), Disk::default());
        let here = Measured { plan: &plan, machine: &machine, disk: &disk, source: None };
        let view = super::view(&here, Some(link));
        [view.limit, view.restore_limit].map(|limit| (limit.by, limit.bytes_per_second))
    };
    assert_eq!(of(measured(5_000, 700)), [("link", 3_000), ("link", 700)]);
    let said = |up| LinkView { up_bytes_per_second: Some(up), ..measured(5_000, 700) };
    assert_eq!(of(said(2_500))[0], ("link", 1_500));
    assert_eq!(of(said(9_000_000))[0], ("link", 3_000));
}

#[test]
fn a_benchmark_measures_and_asks_the_agent_for_the_link() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().display();
    let line = format!("gbak bench --size 1MiB --dir {place} --source /etc/passwd --json");
    let fake = Fake::default();
    let gauged = GaugeView {
        holders: vec![holder("attic", 900)],
        up_bytes_per_second: Some(900),
        down_bytes_per_second: Some(800),
        ..GaugeView::default()
    };
    let peers = Answer::Peers(peers(&[9.0, 2.0, 3.0]));
    let answers = [Answer::Limits(limits(1000)), peers, Answer::Gauge(gauged)];
    fake.0.borrow_mut().answers.extend(answers.map(Ok));
    let ran = ran(&fake, &line);
    assert_eq!(ran.exit, 0, "{ran:?}");
    let shown: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(shown["schema"], "gbak.bench/1");
    assert_eq!((&shown["limit"]["by"], &shown["link"]["rtt_ms"]), (&"link".into(), &3.0.into()));
    assert_eq!(shown["link"]["measured_down_bytes_per_second"], 800);
    assert_eq!(shown["link"]["holders"][0]["name"], "attic");
    assert_eq!(shown["limit"]["bytes_per_second"].as_u64().map(|rate| rate < 900), Some(true));
    assert!(shown["source"]["bytes"].as_u64() > Some(0), "{shown}");
    assert!(shown["backup_bytes_per_second"].as_u64() > Some(100_000), "{shown}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_machine_without_an_agent_is_measured_all_the_same() {
    let none = codes::DAEMON_UNREACHABLE.failure("No agent");
    let fake = Fake::default();
    fake.0.borrow_mut().answers.push_back(Err(none));
    let dir = tempfile::tempdir().unwrap();
    let here = ran(&fake, &format!("gbak bench --size 64KiB --dir {}", dir.path().display()));
    assert_eq!(here.exit, 0, "{here:?}");
    assert!(here.out.contains("link      unknown"), "{}", here.out);
    for bad in ["--size 0", "--size 2GiB", "--dir /nowhere/at/all", "--source /nowhere/at/all"] {
        let bad = format!("--size 4KiB {bad}").replace("4KiB --size ", "");
        assert_ne!(ran(&Fake::default(), &format!("gbak bench {bad}")).exit, 0, "{bad}");
    }
}
