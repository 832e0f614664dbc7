//! A benchmark as people and scripts see it.

use std::path::Path;

use serde_json::Value;

use super::*;
use crate::api::limits::{LimitsView, SpeedsView};
use crate::api::{AuditView, PeerView, PeersView, TotalsView};
use crate::cli::commands::fake::{Fake, ran, same_as_file};

fn view() -> BenchView {
    let plan = Plan { bytes: 1 << 20, code: "3+2".parse().unwrap(), level: LEVEL };
    let took = [1, 2, 10, 4, 3, 5].map(Duration::from_millis);
    let machine = Machine { threads: 2, took, bytes: 1 << 20, stored: 600 << 10 };
    let sync = Duration::from_micros(1_234);
    let disk = Disk { write: Some(4e8), sync, files: Some(9_000.0) };
    super::view(&plan, &machine, &disk, None)
}

fn shown(view: &BenchView) -> String {
    let mut view = view.clone();
    let mut page = text(&view, Units::Iec);
    let link = LinkView {
        up_bytes_per_second: Some(2 << 20),
        peers_online: 5,
        rtt_ms: Some(12.5),
        rtt_ms_most: Some(80.0),
    };
    view.link = Some(link);
    page.push_str("\n\n");
    page.push_str(&text(&view, Units::Iec));
    page.push('\n');
    page
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
    same_as_file(Path::new("src/cli/golden/bench.txt"), &shown(&view()));
}

#[test]
fn what_is_slowest_is_what_limits() {
    let fast = view();
    assert_eq!((fast.limit.by, fast.limit.bytes_per_second), ("processor", 104_857_600));
    let plan = Plan { bytes: 1 << 20, code: "3+2".parse().unwrap(), level: LEVEL };
    let machine = Machine { threads: 64, bytes: 1 << 20, stored: 1 << 20, ..Machine::default() };
    let disk = Disk { write: Some(3e6), ..Disk::default() };
    let link = |up| Some(LinkView { up_bytes_per_second: up, ..LinkView::default() });
    assert_eq!(super::view(&plan, &machine, &disk, link(None)).limit.by, "disk");
    let sent = super::view(&plan, &machine, &disk, link(Some(3_000_000))).limit;
    // Five shards leave for every three bytes.
    assert_eq!((sent.by, sent.bytes_per_second), ("link", 1_800_000));
}

#[test]
fn a_benchmark_measures_and_asks_the_agent_for_the_link() {
    let dir = tempfile::tempdir().unwrap();
    let line = format!("gbak bench --size 1MiB --dir {} --json", dir.path().display());
    let fake = Fake::default();
    let answers = [Answer::Limits(limits(1000)), Answer::Peers(peers(&[9.0, 2.0, 3.0]))];
    fake.0.borrow_mut().answers.extend(answers.map(Ok));
    let ran = ran(&fake, &line);
    assert_eq!(ran.exit, 0, "{ran:?}");
    let shown: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(shown["schema"], "gbak.bench/1");
    assert_eq!((&shown["limit"]["by"], &shown["link"]["rtt_ms"]), (&"link".into(), &3.0.into()));
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
    for bad in ["--size 0", "--size 2GiB", "--size 4KiB --dir /nowhere/at/all"] {
        assert_ne!(ran(&Fake::default(), &format!("gbak bench {bad}")).exit, 0, "{bad}");
    }
}
