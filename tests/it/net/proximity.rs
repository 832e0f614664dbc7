//! Limits of distance on the wire: eight agents behind relays of different delays.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use super::relay::{Relay, Relays};
use super::rig::{Rig, address, init_args, invite, online};
use gbak::demo::agents::Agent;

/// Delays each way of the agents besides the founder, in milliseconds: four near, three far. The
/// founder has none.
const DELAYS: [u64; 7] = [20, 30, 40, 50, 250, 275, 300];
const NEAR: [&str; 4] = ["near0", "near1", "near2", "near3"];

/// A member whose address, as far as others know, is a relay's.
fn member(rig: &mut Rig, name: &str, announce: &str) {
    let mut agent = rig.home(name);
    let words = rig.words(name);
    let invite = invite(&rig.agents[0]);
    let mut args = init_args(name, &words);
    args.extend(["--join", &invite]);
    agent.expect(&args).unwrap();
    let config = agent.home().join("config.toml");
    let text = fs::read_to_string(&config).unwrap();
    let told = format!("[node]\nannounce = [\"{announce}\"]\n");
    fs::write(&config, text.replacen("[node]\n", &told, 1)).unwrap();
    agent.start().unwrap();
    rig.agents.push(agent);
}

/// Tells the relay where its agent listens.
fn lead(relay: &Relay, agent: &Agent) {
    let address = address(agent);
    let port = address.split('/').nth(4).unwrap().parse::<u16>().unwrap();
    relay.lead_to(([127, 0, 0, 1], port).into());
}

fn grid(relays: &Relays) -> Rig {
    let mut rig = Rig::new(1);
    for (no, delay) in DELAYS.into_iter().enumerate() {
        let relay = relays.add(Duration::from_millis(delay));
        let name = if no < 4 { NEAR[no].to_owned() } else { format!("far{no}") };
        member(&mut rig, &name, &format!("/ip4/127.0.0.1/tcp/{}", relay.port));
        lead(&relay, &rig.agents[no + 1]);
    }
    // Nobody can dial the source, so that it reaches everybody through the relays.
    member(&mut rig, "source", "/ip4/127.0.0.1/tcp/1");
    online(&rig.agents[8], 8);
    rig
}

fn args<'a>(path: &'a Path, flags: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec!["backup", path.to_str().unwrap(), "--json", "--redundancy", "2+2"];
    args.extend(flags);
    args
}

/// What a backup that is refused says.
fn refused(agent: &Agent, path: &Path, flags: &[&str]) -> String {
    let output = agent.command(&args(path, flags)).output().unwrap();
    assert_eq!(output.status.code(), Some(22));
    String::from_utf8(output.stderr).unwrap()
}

/// Who has anything, by what each agent says of its own disk.
fn storing(rig: &Rig) -> BTreeSet<&str> {
    let used = |agent: &&Agent| {
        let figures = agent.expect(&["peers", "--json"]).unwrap();
        figures["self"]["used_bytes"].as_u64().unwrap() > 0
    };
    rig.agents.iter().filter(used).map(Agent::name).collect()
}

fn make_source(root: &Path, seed: u8) {
    fs::create_dir(root).unwrap();
    let mut bytes = vec![0; 600_000];
    blake3::Hasher::new().update(&[seed]).finalize_xof().fill(&mut bytes);
    fs::write(root.join("file"), bytes).unwrap();
}

#[test]
fn shards_keep_latency_and_spread_on_the_wire() {
    let relays = Relays::new();
    let rig = grid(&relays);
    let source = &rig.agents[8];
    let tree = rig.path("tree");
    make_source(&tree, 1);
    // First what cannot be: nothing may be stored by it.
    let text = refused(source, &tree, &["--latency", "..10ms"]);
    assert!(text.contains("gbak::placement::limits"), "{text}");
    assert!(text.contains("7 outside the latency"), "{text}");
    // No four are all so far apart, nor all so near, by what they are from here. (Each relay delays
    // whoever dials its agent, so what others measure among themselves depends on who dialled.)
    for spread in ["200ms..", "..30ms"] {
        let text = refused(source, &tree, &["--spread", spread]);
        assert!(text.contains("outside the spread"), "{text}");
    }
    assert_eq!(storing(&rig), BTreeSet::new());
    // A busy machine measures long round trips at first and is refused: the shortest one counts.
    let flags = args(&tree, &["--latency", "25ms..300ms"]);
    let kept = |_: &u32| source.command(&flags).output().unwrap().status.success();
    assert!((0..50).any(|n| kept(&n)), "no four were ever near enough");
    assert_eq!(storing(&rig), BTreeSet::from(NEAR), "neither the founder nor the far ones");
    let held = source.expect(&["placement", "latest", "--json"]).unwrap();
    for shard in held["packs"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|pack| pack["shards"].as_array().unwrap().iter())
    {
        let distance = shard["distance_ms"].as_f64().unwrap();
        assert!((25.0..300.0).contains(&distance), "{shard}");
        assert!(shard["domain"].is_string() && shard["state"] == "online", "{shard}");
    }
}
