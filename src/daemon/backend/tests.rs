//! Promises of the backend: an agent is used when it answers, and nothing else is when it is there.

use std::path::Path;
use std::time::Duration;

use tokio::runtime::Runtime;

use super::{IN_PROCESS, LocalBackend};
use crate::api::backend::Backend;
use crate::api::limits::CallLimits;
use crate::api::setup::Settings;
use crate::api::{Answer, Call, Event, InviteArgs, codes};
use crate::daemon::engine;
use crate::daemon::tests::{Agent, args};

fn backend(root: &Path) -> LocalBackend {
    let home = root.to_owned();
    LocalBackend::open(Settings {
        home,
        passphrase: None,
        retry_lock_secs: 0,
        limits: CallLimits::default(),
    })
    .unwrap()
}

fn ignore(_: Event) {}

#[test]
fn without_a_home_nothing_is_started_or_made() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("home");
    let backend = backend(&root);
    for call in [Call::Snapshots, Call::Status, Call::Rebuild] {
        let failure = backend.call(call, &mut ignore).unwrap_err();
        assert_eq!((failure.code.as_str(), failure.exit), (codes::NO_HOME.name, 10));
    }
    let failure = backend.daemon(crate::api::setup::DaemonArgs::default(), &mut |_| {});
    assert_eq!(failure.unwrap_err().code, codes::NO_HOME.name);
    let failure = backend.join("gbak1nonsense").unwrap_err();
    assert_eq!(failure.code, codes::INVITE.name);
    let failure = backend.wait_ready(Duration::ZERO).unwrap_err();
    assert_eq!((failure.code.as_str(), failure.exit), (codes::DAEMON_UNREACHABLE.name, 20));
    assert!(!root.exists());
}

#[test]
fn without_an_agent_the_work_is_done_here_and_said_once() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("home");
    let backend = backend(&root);
    backend.init(args("ada")).unwrap();
    let mut warnings = Vec::new();
    let answer = backend.call(Call::Status, &mut |event| {
        if let Event::Warning { message } = event {
            warnings.push(message);
        }
    });
    let Answer::Status(status) = answer.unwrap() else { panic!("status") };
    assert_eq!((status.agent, status.listen), (false, Vec::new()));
    assert_eq!(warnings, [IN_PROCESS]);
}

#[test]
fn a_home_in_use_is_busy_until_it_is_free() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("home");
    let here = backend(&root);
    here.init(args("ada")).unwrap();
    let runtime = Runtime::new().unwrap();
    let held = runtime.block_on(engine::enter(root.clone(), Duration::ZERO)).unwrap();
    let failure = here.call(Call::Snapshots, &mut ignore).unwrap_err();
    assert_eq!((failure.code.as_str(), failure.exit), (codes::BUSY.name, 11));
    let waiting = std::thread::spawn(move || {
        let settings = Settings {
            home: root,
            passphrase: None,
            retry_lock_secs: 60,
            limits: CallLimits::default(),
        };
        LocalBackend::open(settings).unwrap().call(Call::Snapshots, &mut ignore)
    });
    drop(held);
    assert!(matches!(waiting.join().unwrap(), Ok(Answer::Snapshots(_))));
}

#[test]
fn an_agent_is_asked_when_it_answers() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("home");
    let backend = backend(&root);
    backend.init(args("ada")).unwrap();
    let runtime = Runtime::new().unwrap();
    let agent = runtime.block_on(Agent::start(&root));
    backend.wait_ready(Duration::from_secs(30)).unwrap();
    let mut warned = false;
    let mut warn = |event| warned |= matches!(event, Event::Warning { .. });
    let Answer::Status(status) = backend.call(Call::Status, &mut warn).unwrap() else {
        panic!("status")
    };
    assert!(status.agent);
    let invite = Call::Invite(InviteArgs { expires_secs: 60 });
    assert!(matches!(backend.call(invite, &mut warn).unwrap(), Answer::Invite(_)));
    assert!(!warned);
    let failure = backend.init(args("eve")).unwrap_err();
    assert_eq!(failure.code, codes::HOME_EXISTS.name);
    runtime.block_on(agent.stop());
    let failure = backend.wait_ready(Duration::ZERO).unwrap_err();
    assert_eq!(failure.code, codes::DAEMON_UNREACHABLE.name);
}
