//! Promises of limits that change while an agent runs.

use std::num::NonZeroU64;

use super::{Agent, founded, start};
use crate::api::limits::{CallLimits, LimitsArgs, LimitsView};
use crate::api::{Answer, Call, Failure, codes};
use crate::config::Config;
use crate::daemon::client::Client;
use crate::daemon::engine::{self, Engine, Opening};
use crate::daemon::keys;

const MIB: u64 = 1 << 20;

async fn set(agent: &Agent, args: LimitsArgs) -> Result<LimitsView, Failure> {
    match agent.call(&Call::LimitsSet(args)).await? {
        Answer::LimitsSet(view) => Ok(view),
        other => panic!("{other:?}"),
    }
}

fn up(agent: &Agent) -> u64 {
    agent.engine.swarm().rates().up.map_or(0, NonZeroU64::get)
}

/// Waits until the network may send this fast.
async fn until_up(agent: &Agent, wanted: u64) {
    let mut looks = tokio::time::interval(std::time::Duration::from_millis(50));
    let waiting = async {
        while up(agent) != wanted {
            looks.tick().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), waiting).await.unwrap();
}

#[tokio::test]
async fn limits_hold_at_once_and_after_a_restart_and_comments_stay() {
    let dir = tempfile::tempdir().unwrap();
    let (root, _) = founded(&dir).await;
    let file = root.join("config.toml");
    let text = std::fs::read_to_string(&file).unwrap() + "# mine\n";
    std::fs::write(&file, text).unwrap();
    let agent = Agent::start(&root).await;
    assert_eq!(up(&agent), 0);
    let args = LimitsArgs { up: Some(MIB), ..LimitsArgs::default() };
    let view = set(&agent, args).await.unwrap();
    assert_eq!((view.in_force.up, view.configured.up, up(&agent)), (Some(MIB), Some(MIB), MIB));
    set(&agent, LimitsArgs { down: Some(2 * MIB), ..LimitsArgs::default() }).await.unwrap();
    let slow = LimitsArgs { up: Some(1), ..LimitsArgs::default() };
    assert_eq!(set(&agent, slow).await.unwrap_err().code, codes::USAGE.name);
    assert_eq!(up(&agent), MIB);
    assert!(std::fs::read_to_string(&file).unwrap().contains("# mine"));
    agent.stop().await;
    let engine = start(&root, None).await.unwrap();
    assert_eq!(engine.swarm().rates().down, NonZeroU64::new(2 * MIB));
    engine.stop().await;
}

#[tokio::test]
async fn what_a_person_writes_into_the_settings_is_taken_over_while_the_agent_runs() {
    let dir = tempfile::tempdir().unwrap();
    let (root, _) = founded(&dir).await;
    let file = root.join("config.toml");
    let mut config = Config::load(&file).unwrap();
    let agent = Agent::start(&root).await;
    config.limits.up = "3 MiB/s".parse().unwrap();
    config.save(&file).unwrap();
    until_up(&agent, 3 * MIB).await;
    // What is wrong changes nothing.
    std::fs::write(&file, "[limits]\nup = \"fast\"\n").unwrap();
    config.limits.up = "5 MiB/s".parse().unwrap();
    std::fs::remove_file(&file).unwrap();
    config.save(&file).unwrap();
    until_up(&agent, 5 * MIB).await;
    agent.stop().await;
}

#[tokio::test]
async fn a_calls_own_limits_hold_while_it_runs_and_the_command_lines_until_set_anew() {
    let dir = tempfile::tempdir().unwrap();
    let (root, _) = founded(&dir).await;
    let (home, lock) = engine::enter(root.clone(), super::NO_WAIT).await.unwrap();
    let keys = keys::read(&home, None).unwrap();
    let limits = CallLimits { up: Some(8 * MIB), down: None };
    let opening = Opening { limits, ..Opening::default() };
    let engine = Engine::start(home, lock, keys, &opening).await.unwrap();
    assert_eq!(engine.swarm().rates().up, NonZeroU64::new(8 * MIB));
    engine.stop().await;
    drop(engine);

    let agent = Agent::start(&root).await;
    set(&agent, LimitsArgs { up: Some(4 * MIB), ..LimitsArgs::default() }).await.unwrap();
    let client = Client::connect(&root.join("control.sock")).await.unwrap();
    let client = client.limited(CallLimits { up: Some(MIB), down: Some(0) });
    let mut lines = client.call(&Call::Limits, "limited").await.unwrap();
    let crate::api::Line::Done(answer) = lines.next().await.unwrap() else { panic!("no answer") };
    let Answer::Limits(view) = *answer else { panic!("another answer") };
    assert_eq!((view.in_force.up, view.configured.up), (Some(MIB), Some(4 * MIB)));
    until_up(&agent, 4 * MIB).await;
    agent.stop().await;
}
