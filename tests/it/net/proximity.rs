//! Limits of distance on the wire: eight agents at four sites of a map, and the source. Each pair
//! of them has a relay between them that delays for as long as they are apart.
//!
//! The one that started later dials, by an address of its own for each of the others; what agents
//! announce leads nowhere. So every connection of two goes through their relay, whoever asks.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

use gbak::demo::agents::Agent;
use serde_json::Value;

use super::relay::Relays;
use super::rig::{Rig, address, init_args, invite, online};

/// Where sites are, in milliseconds of round trip; two agents at each.
const SITES: [(&str, f64, f64); 4] =
    [("north", 0.0, 0.0), ("east", 240.0, 0.0), ("south", 240.0, 240.0), ("west", 0.0, 240.0)];
/// Where the source is: 20 ms from the north, 220 from the east, 241 from the west, 325 from the
/// south.
const SOURCE: (f64, f64) = (20.0, 0.0);
/// Between two agents of a site.
const NEXT_DOOR: f64 = 10.0;
/// What a busy machine may add to a round trip. All bounds below leave this room.
const SLACK: f64 = 45.0;
/// Nobody listens there.
const NOWHERE: &str = "/ip4/127.0.0.1/tcp/1";

fn name(no: usize) -> String {
    SITES.get(no / 2).map_or("source".to_owned(), |site| format!("{}{}", site.0, no % 2))
}

/// The round trip between two agents, by number; the ninth is the source.
fn apart(one: usize, other: usize) -> f64 {
    let at = |no: usize| SITES.get(no / 2).map_or(SOURCE, |site| (site.1, site.2));
    let ((x, y), (u, v)) = (at(one), at(other));
    if one / 2 == other / 2 { NEXT_DOOR } else { (x - u).hypot(y - v) }
}

/// Sets what a home announces, and whom it dials.
fn reach(agent: &Agent, dials: &[String]) {
    let path = agent.home().join("config.toml");
    let text = fs::read_to_string(&path).unwrap();
    let kept = text.lines().filter(|line| !line.starts_with("bootstrap = "));
    let told = format!("announce = [{NOWHERE:?}]\nbootstrap = {dials:?}");
    let lines = kept.map(|line| match line {
        "[node]" => format!("[node]\n{told}\n"),
        line => format!("{line}\n"),
    });
    fs::write(&path, lines.collect::<String>()).unwrap();
}

/// Nine agents on a map.
struct Map {
    rig: Rig,
    relays: Relays,
}

impl Map {
    fn new() -> Self {
        let mut map = Self { rig: Rig::new(0), relays: Relays::new() };
        for no in 0..9 {
            map.join(no);
        }
        // The founder let everybody in at an address without delay: that one is gone.
        map.rig.agents[0].stop();
        for no in 0..9 {
            let dials: Vec<String> = (0..no).map(|other| map.way(no, other)).collect();
            reach(&map.rig.agents[no], &dials);
            map.rig.agents[no].start().unwrap();
            if no == 7 {
                // What the source hears of them when it comes is all there is to hear.
                (0..8).for_each(|no| map.measures(no, 7));
            }
        }
        map.measures(8, 8);
        map
    }

    fn join(&mut self, no: usize) {
        let (name, site) = (name(no), SITES.get(no / 2).map(|site| site.0));
        let mut agent = self.rig.home(&name);
        let words = self.rig.words(&name);
        let mut args = init_args(&name, &words);
        let invite = self.rig.agents.first().map(invite);
        args.extend(invite.iter().flat_map(|invite| ["--join", invite.as_str()]));
        args.extend(site.iter().flat_map(|site| ["--site", *site]));
        agent.expect(&args).unwrap();
        if no == 0 {
            agent.start().unwrap();
        }
        self.rig.agents.push(agent);
    }

    /// An address by which one agent is as far from the other as it should be.
    fn way(&self, from: usize, to: usize) -> String {
        let address = address(&self.rig.agents[to]);
        let parts: Vec<&str> = address.split('/').collect();
        let port = parts[4].parse::<u16>().unwrap();
        let relay = self.relays.add(Duration::from_secs_f64(apart(from, to) / 2e3));
        relay.lead_to(([127, 0, 0, 1], port).into());
        format!("/ip4/127.0.0.1/tcp/{}/p2p/{}", relay.port, parts[6])
    }

    /// Waits until an agent has measured this many others about as far as they are. On a busy
    /// machine that may take some pings: the shortest of sixteen round trips counts.
    fn measures(&self, no: usize, count: u64) {
        let agent = &self.rig.agents[no];
        online(agent, count);
        let numbers: BTreeMap<String, usize> = (0..9).map(|no| (name(no), no)).collect();
        let measured = |_: &u32| {
            let view = agent.expect(&["peers", "--json"]).unwrap();
            let peers = view["peers"].as_array().unwrap();
            let near = peers.iter().filter(|peer| {
                let is = apart(no, numbers[peer["name"].as_str().unwrap()]);
                let rtt = peer["rtt_ms"].as_f64();
                assert!(rtt.is_none_or(|rtt| rtt >= is), "nothing is faster than its way: {peer}");
                rtt.is_some_and(|rtt| rtt < is + SLACK)
            });
            near.count() as u64 == count
        };
        assert!((0..2_000).any(|look| measured(&look)), "{} never measured well", name(no));
    }

    /// A backup of something new; what it said, when it was refused for the limits.
    fn backup(&self, code: &str, flags: &[&str]) -> Result<Placed, String> {
        let tree = self.rig.path(&format!("tree{code}{}", flags.concat().replace('/', "")));
        make_source(&tree);
        let source = &self.rig.agents[8];
        let mut args = vec!["backup", tree.to_str().unwrap(), "--json", "--redundancy", code];
        args.extend(flags);
        let output = source.command(&args).output().unwrap();
        let (out, err) = (String::from_utf8(output.stdout), String::from_utf8(output.stderr));
        let code = output.status.code();
        assert!(matches!(code, Some(0 | 22)), "{args:?} ended with {code:?}: {err:?}");
        if code == Some(0) { Ok(Placed::of(source, &out.unwrap())) } else { Err(err.unwrap()) }
    }

    /// Who has anything, by what each agent says of its own disk.
    fn storing(&self) -> BTreeSet<&str> {
        let used = |agent: &&Agent| {
            let figures = agent.expect(&["peers", "--json"]).unwrap();
            figures["self"]["used_bytes"].as_u64().unwrap() > 0
        };
        self.rig.agents.iter().filter(used).map(Agent::name).collect()
    }
}

fn make_source(root: &Path) {
    fs::create_dir(root).unwrap();
    let mut bytes = vec![0; 600_000];
    let name = root.to_str().unwrap().as_bytes();
    blake3::Hasher::new().update(name).finalize_xof().fill(&mut bytes);
    fs::write(root.join("file"), bytes).unwrap();
}

/// What became of a backup: where each pack is, and what had to be dropped for it.
#[derive(Debug)]
struct Placed {
    relaxed: Vec<String>,
    packs: Vec<BTreeSet<String>>,
}

impl Placed {
    fn of(source: &Agent, said: &str) -> Self {
        let summary: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
        let texts = |value: &Value| {
            let all = value.as_array().into_iter().flatten();
            all.map(|text| text.as_str().unwrap().to_owned()).collect()
        };
        let id = summary["snapshot_id"].as_str().unwrap();
        let held = source.expect(&["placement", id, "--json"]).unwrap();
        let holders = |pack: &Value| {
            let shards = pack["shards"].as_array().unwrap().iter();
            shards.map(|shard| shard["name"].as_str().unwrap().to_owned()).collect()
        };
        let packs: Vec<BTreeSet<String>> =
            held["packs"].as_array().unwrap().iter().map(holders).collect();
        assert!(packs.len() >= 2, "data and listing: {held}");
        Self { relaxed: texts(&summary["relaxed"]), packs }
    }

    /// The sites of each pack's holders.
    fn sites(&self) -> Vec<Vec<&str>> {
        let site = |name: &String| SITES.iter().find(|site| name.starts_with(site.0)).unwrap().0;
        self.packs.iter().map(|pack| pack.iter().map(site).collect()).collect()
    }

    fn all(&self) -> BTreeSet<&str> {
        self.packs.iter().flatten().map(String::as_str).collect()
    }
}

const BETWEEN: [&str; 4] = ["east0", "east1", "west0", "west1"];

fn what_cannot_be_met_is_refused(map: &Map) {
    let text = map.backup("2+2", &["--latency", "..5ms"]).unwrap_err();
    assert!(text.contains("gbak::placement::limits"), "{text}");
    assert!(text.contains("8 outside the latency"), "{text}");
    // No four are so far from each other, and no four so near.
    for spread in ["400ms..", "..100ms"] {
        let text = map.backup("2+2", &["--spread", spread]).unwrap_err();
        assert!(text.contains("outside the spread"), "{text}");
    }
    assert_eq!(map.storing(), BTreeSet::new());
}

fn a_latency_holds_at_both_ends(map: &Map) {
    let placed = map.backup("2+2", &["--latency", "100ms..290ms"]).unwrap();
    assert_eq!(placed.all(), BETWEEN.into(), "neither the near ones nor the far ones");
    assert_eq!(map.storing(), BETWEEN.into(), "the disks agree");
    assert_eq!(placed.relaxed, Vec::<String>::new());
}

fn a_spread_holds_at_both_ends(map: &Map) {
    let placed = map.backup("2+2", &["--spread", "100ms.."]).unwrap();
    for sites in placed.sites() {
        let apart: BTreeSet<&str> = sites.iter().copied().collect();
        assert_eq!(apart.len(), sites.len(), "two of one site are 10 ms apart: {sites:?}");
    }
    assert!(placed.packs.iter().all(|pack| pack.len() == 4));
    let placed = map.backup("1+1", &["--spread", "..100ms"]).unwrap();
    for sites in placed.sites() {
        assert!(sites.len() >= 2 && sites.iter().all(|site| *site == sites[0]), "{sites:?}");
    }
}

fn limits_are_given_up_in_their_order(map: &Map) {
    let far = ["--spread", "400ms..", "--unmet", "relax", "--latency"];
    // First the spread; then the latency can be met, and is.
    let placed = map.backup("2+2", &[far.as_slice(), &["100ms..290ms"]].concat()).unwrap();
    assert_eq!((placed.relaxed.clone(), placed.all()), (vec!["spread".into()], BETWEEN.into()));
    // Then the latency; one shard for each site can be kept, and is.
    let flags = [far.as_slice(), &["..5ms", "--max-shards-per-site", "1"]].concat();
    let placed = map.backup("2+2", &flags).unwrap();
    assert_eq!(placed.relaxed, ["latency", "spread"]);
    for sites in placed.sites() {
        assert_eq!(sites.iter().collect::<BTreeSet<_>>().len(), sites.len(), "{sites:?}");
    }
    // Six shards at four sites: all has to go, the domains last.
    let owner = ["--max-shards-per-owner", "1", "--domains", "strict"];
    let placed = map.backup("3+3", &[flags.as_slice(), &owner].concat()).unwrap();
    assert_eq!(placed.relaxed, ["latency", "spread", "site", "owner", "domains"]);
    let refused = map.backup("3+3", &owner).unwrap_err();
    assert!(refused.contains("domain"), "{refused}");
}

#[test]
fn limits_of_distance_hold_on_the_wire_between_nine_agents() {
    let map = Map::new();
    what_cannot_be_met_is_refused(&map);
    a_latency_holds_at_both_ends(&map);
    a_spread_holds_at_both_ends(&map);
    limits_are_given_up_in_their_order(&map);
}
