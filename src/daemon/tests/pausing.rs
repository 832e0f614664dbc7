//! Promises of pauses while an agent runs.

use super::{Agent, call, founded, start};
use crate::api::limits::{PauseArgs, PauseView};
use crate::api::{Answer, BackupArgs, Call, codes};
use crate::config::Config;
use crate::daemon::duties::scheduling;

async fn pause(agent: &Agent, secs: Option<u64>, serving: bool) -> PauseView {
    let call = Call::Pause(PauseArgs { secs, serving });
    let Answer::Pause(view) = agent.call(&call).await.unwrap() else { panic!("no pause") };
    view
}

async fn resume(agent: &Agent) -> PauseView {
    let Answer::Resume(view) = agent.call(&Call::Resume).await.unwrap() else { panic!("no end") };
    view
}

#[tokio::test]
async fn a_pause_holds_over_a_restart_until_it_is_ended_and_no_backup_begins_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let (root, _) = founded(&dir).await;
    let agent = Agent::start(&root).await;
    let view = pause(&agent, Some(7200), false).await;
    let paused = view.backups.unwrap();
    assert!(paused.reason == "asked" && paused.until.is_some() && view.serving.is_none());
    agent.stop().await;
    let agent = Agent::start(&root).await;
    let refused = agent.call(&Call::Backup(BackupArgs::default())).await.unwrap_err();
    assert_eq!(refused.code, codes::PAUSED.name);
    assert!(refused.message.contains("until 20"), "{}", refused.message);
    let Answer::Status(status) = agent.call(&Call::Status).await.unwrap() else { panic!() };
    assert!(status.reasons.iter().any(|it| it.contains("paused until")), "{status:?}");
    let view = pause(&agent, None, true).await;
    assert!(view.backups.is_some() && view.serving.unwrap().until.is_none());
    let view = resume(&agent).await;
    assert_eq!((view.backups, view.serving), (None, None));
    let failed = agent.call(&Call::Backup(BackupArgs::default())).await.unwrap_err();
    assert_ne!(failed.code, codes::PAUSED.name, "it fails for other reasons");
    agent.stop().await;
}

#[tokio::test]
async fn a_pause_of_a_second_ends_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let (root, _) = founded(&dir).await;
    let agent = Agent::start(&root).await;
    assert!(pause(&agent, Some(1), false).await.backups.is_some());
    let mut looks = tokio::time::interval(std::time::Duration::from_millis(50));
    let waiting = async {
        while agent.engine.regulator.holding().backups.is_some() {
            looks.tick().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), waiting).await.unwrap();
    agent.stop().await;
}

#[tokio::test]
async fn a_window_of_the_settings_holds_while_it_is_that_time() {
    let dir = tempfile::tempdir().unwrap();
    let (root, _) = founded(&dir).await;
    let file = root.join("config.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    // Always.
    let window = "\n[[limits.windows]]\nduring = \"00:00-24:00\"\nup = \"1 MiB/s\"\n";
    std::fs::write(&file, text + window).unwrap();
    Config::load(&file).unwrap();
    let agent = Agent::start(&root).await;
    assert_eq!(agent.engine.swarm().rates().up.map(std::num::NonZero::get), Some(1 << 20));
    let Answer::Limits(view) = agent.call(&Call::Limits).await.unwrap() else { panic!("limits") };
    assert_eq!((view.configured.up, view.reasons.len()), (None, 1), "{view:?}");
    agent.stop().await;
}

#[tokio::test]
async fn a_set_that_is_due_waits_for_the_end_of_a_pause() {
    let dir = tempfile::tempdir().unwrap();
    let (root, _) = founded(&dir).await;
    let config = root.join("config.toml");
    let mut text = std::fs::read_to_string(&config).unwrap();
    text.push_str("\n[[backup.sets]]\nname = \"a\"\nsources = [\"/a\"]\nschedule = \"hourly\"\n");
    std::fs::write(&config, text).unwrap();
    let engine = start(&root, None).await.unwrap();
    let due = async || scheduling::due(&engine, 0).await.unwrap();
    assert_eq!(due().await.as_deref(), Some("a"));
    let pause = Call::Pause(PauseArgs { secs: None, serving: false });
    call(&engine, pause).await.unwrap();
    assert_eq!(due().await, None);
    call(&engine, Call::Resume).await.unwrap();
    assert_eq!(due().await.as_deref(), Some("a"));
    engine.stop().await;
}
