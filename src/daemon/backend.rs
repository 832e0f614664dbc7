//! What the command line calls: the agent when one answers on the home's socket, else an engine in
//! this process, which lives for one call.
//!
//! Invariants: a socket that answers is never worked around; whoever asks twice to stop is let go
//! at once. The runtime is the backend's own, so that commands stay plain functions.

use std::io;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use store::HomeError;
use tokio::runtime::Runtime;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::client::{Client, ClientError, Lines};
use super::control::Ready;
use super::engine::{self, Engine, EngineError, Opening, blocking};
use super::events::{self, Feed};
use super::signals::{Asked, Signals, leave_now};
use super::{calls, duties, keys, setup};
use crate::api::backend::Backend;
use crate::api::setup::{
    DaemonArgs, DemoArgs, DemoLine, DemoView, InitArgs, InitView, RecoverArgs, Settings,
};
use crate::api::{Answer, Call, Event, Failure, Line, RecoverView, codes};
use crate::daemon::failure::told;
use crate::entropy::{self, OsEntropy};

/// Between two tries for an agent that is not there yet.
const POLL: Duration = Duration::from_millis(100);
/// Said when no agent answers.
const IN_PROCESS: &str = "no agent runs here; working in this process";

/// The engine's side of the command line.
#[derive(Debug)]
pub struct LocalBackend {
    settings: Settings,
    runtime: Runtime,
}

/// Where a call is carried out.
enum Place {
    Agent(Client),
    Here(Arc<Engine>),
}

impl LocalBackend {
    /// A backend for one command. Nothing is started yet.
    pub fn open(settings: Settings) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.map_err(|error| no_system("start the runtime", &error))?;
        Ok(Self { settings, runtime })
    }

    fn socket(&self) -> PathBuf {
        self.settings.home.join("control.sock")
    }

    fn retry(&self) -> Duration {
        Duration::from_secs(self.settings.retry_lock_secs)
    }

    /// The agent, or else an engine; waits for a busy home, whose new owner may be an agent.
    async fn place(&self, opening: &Opening) -> Result<Place, Failure> {
        let deadline = Instant::now() + self.retry();
        loop {
            match Client::connect(&self.socket()).await {
                Ok(client) => return Ok(Place::Agent(client.limited(self.settings.limits))),
                Err(ClientError::NotRunning { .. }) => {}
                Err(error) => return Err(error.into()),
            }
            match self.start(opening, Duration::ZERO).await {
                Ok(engine) => return Ok(Place::Here(Arc::new(engine))),
                Err(EngineError::Home(HomeError::Busy { .. })) if Instant::now() < deadline => {
                    tokio::time::sleep(POLL).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn start(&self, opening: &Opening, retry: Duration) -> Result<Engine, EngineError> {
        let (home, lock) = engine::enter(self.settings.home.clone(), retry).await?;
        let (place, passphrase) = (home.clone(), self.settings.passphrase.clone());
        let keys = blocking(move || keys::read(&place, passphrase.as_deref())).await?;
        Engine::start(home, lock, keys, opening).await
    }

    async fn run(&self, call: Call, on_event: &mut dyn FnMut(Event)) -> Result<Answer, Failure> {
        let signals = Signals::listen().map_err(|error| no_system("handle signals", &error))?;
        let discard_damaged_catalog = matches!(call, Call::Rebuild);
        let opening = Opening {
            any_port: true,
            discard_damaged_catalog,
            limits: self.settings.limits,
            ..Opening::default()
        };
        match self.place(&opening).await? {
            Place::Agent(client) => self.ask(client, call, signals, on_event).await,
            Place::Here(engine) => {
                on_event(Event::Warning { message: IN_PROCESS.to_owned() });
                let answer = here(&engine, call, signals, on_event).await;
                engine.stop().await;
                answer
            }
        }
    }

    async fn ask(
        &self,
        client: Client,
        call: Call,
        mut signals: Signals,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Answer, Failure> {
        let name = hex::encode(entropy::bytes::<16>(&OsEntropy));
        let mut lines = client.call(&call, &name).await?;
        let mut asked = None;
        loop {
            tokio::select! { biased;
                line = lines.next() => match line? {
                    Line::Event(event) => on_event(event),
                    Line::Done(answer) => return Ok(*answer),
                    Line::Failed(failure) => return Err(stopped_by(asked, failure)),
                },
                signal = signals.next() => {
                    if asked.is_some() {
                        leave_now(signal);
                    }
                    asked = Some(signal);
                    self.cancel(&name, &mut lines).await?;
                }
            }
        }
    }

    /// Asks the agent to stop a call. What it answers on the call's own connection is read later.
    async fn cancel(&self, name: &str, _lines: &mut Lines) -> Result<(), Failure> {
        let mut client = Client::connect(&self.socket()).await?;
        // False when it has just ended.
        client.cancel(name).await?;
        Ok(())
    }

    async fn serve(&self, args: DaemonArgs, ready: &mut dyn FnMut(&str)) -> Result<(), Failure> {
        let mut signals = Signals::listen().map_err(|error| no_system("handle signals", &error))?;
        let opening = Opening {
            listen: args.listen,
            any_port: false,
            bootstrap: args.bootstrap,
            no_mdns: args.no_mdns,
            discard_damaged_catalog: false,
            limits: self.settings.limits,
        };
        let engine = Arc::new(self.start(&opening, self.retry()).await?);
        let stop = CancellationToken::new();
        let stopper = stop.clone();
        let watching = tokio::spawn(async move {
            signals.next().await;
            stopper.cancel();
            leave_now(signals.next().await);
        });
        let ran = duties::run(engine, stop, |agent| ready(&ready_line(agent))).await;
        watching.abort();
        Ok(ran?)
    }
}

/// Carries a call out on an engine of this process.
async fn here(
    engine: &Arc<Engine>,
    call: Call,
    mut signals: Signals,
    on_event: &mut dyn FnMut(Event),
) -> Result<Answer, Failure> {
    let (monitor, mut feed) = events::feed();
    let cancel = CancellationToken::new();
    let mut running = pin!(engine.call(call, monitor, cancel.clone()));
    let mut asked = None;
    let answer = loop {
        tokio::select! { biased;
            answer = &mut running => break answer,
            signal = signals.next() => {
                if asked.is_some() {
                    leave_now(signal);
                }
                asked = Some(signal);
                cancel.cancel();
            }
            event = feed.next() => on_event(event),
        }
    };
    tell_rest(&mut feed, on_event);
    answer.map_err(|failure| stopped_by(asked, failure))
}

fn tell_rest(feed: &mut Feed, on_event: &mut dyn FnMut(Event)) {
    feed.rest().into_iter().for_each(on_event);
}

/// A call that was stopped says by what.
fn stopped_by(asked: Option<Asked>, failure: Failure) -> Failure {
    match asked {
        Some(asked) if failure.code == codes::INTERRUPTED.name => {
            Failure { help: failure.help, ..asked.code().failure(failure.message) }
        }
        _ => failure,
    }
}

fn ready_line(agent: &Ready) -> String {
    let listen = match agent.listen.as_slice() {
        [] => "nowhere".to_owned(),
        some => some.join(" "),
    };
    format!("gbak agent {} ready, listening at {listen}", agent.name)
}

fn no_system(what: &str, error: &io::Error) -> Failure {
    codes::INTERNAL.failure(format!("Cannot {what}: {error}"))
}

impl Backend for LocalBackend {
    fn call(&self, call: Call, on_event: &mut dyn FnMut(Event)) -> Result<Answer, Failure> {
        self.runtime.block_on(self.run(call, on_event))
    }

    fn init(&self, args: InitArgs) -> Result<InitView, Failure> {
        self.runtime.block_on(setup::init(&self.settings.home, args))
    }

    fn join(&self, invite: &str) -> Result<InitView, Failure> {
        let Settings { home, passphrase, .. } = &self.settings;
        self.runtime.block_on(setup::join(home, passphrase.clone(), self.retry(), invite))
    }

    fn recover(
        &self,
        args: RecoverArgs,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<RecoverView, Failure> {
        self.runtime.block_on(async {
            let (monitor, mut feed) = events::feed();
            let mut running = pin!(setup::recover(&self.settings.home, args, monitor));
            let view = loop {
                tokio::select! { biased;
                    view = &mut running => break view,
                    event = feed.next() => on_event(event),
                }
            };
            tell_rest(&mut feed, on_event);
            view
        })
    }

    fn daemon(&self, args: DaemonArgs, ready: &mut dyn FnMut(&str)) -> Result<(), Failure> {
        self.runtime.block_on(self.serve(args, ready))
    }

    fn wait_ready(&self, deadline: Duration) -> Result<(), Failure> {
        self.runtime.block_on(async {
            let deadline = Instant::now() + deadline;
            loop {
                let answer = match Client::connect(&self.socket()).await {
                    Ok(mut client) => client.ready().await.map(|_| ()),
                    Err(error) => Err(error),
                };
                match answer {
                    Ok(()) => return Ok(()),
                    Err(_) if Instant::now() < deadline => tokio::time::sleep(POLL).await,
                    Err(error) => return Err(error.into()),
                }
            }
        })
    }

    fn unmount(&self, dir: &Path) -> Result<(), Failure> {
        calls::mounting::unmount(dir)
    }

    fn demo(&self, args: DemoArgs, on_line: &mut dyn FnMut(DemoLine)) -> Result<DemoView, Failure> {
        let program =
            std::env::current_exe().map_err(|error| no_system("find this program", &error))?;
        crate::demo::run(&program, &args, on_line)
            .map_err(|error| codes::INTERNAL.failure(told(&error)))
    }
}

#[cfg(test)]
mod tests;
