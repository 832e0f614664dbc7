//! `drive serve` and `webdav`: a drive or snapshots over WebDAV, until the call is cancelled.

use std::net::SocketAddr;
use std::sync::Arc;

use futures::FutureExt;

use super::Run;
use super::driving::unknown;
use crate::api::{Failure, MountArgs, ServeArgs, ServeView, Served, codes};
use crate::daemon::failure::failure;
use crate::daemon::serving::Server;
use crate::daemon::serving::gate::Gate;
use crate::drive::dav::Dav;
use crate::drive::follower::Follower;
use crate::drive::session::Kernel;
use crate::entropy;

/// Shortest password that is accepted: nobody guesses it.
const TOKEN_CHARS: usize = 16;

impl Run {
    /// Not cancel-safe: stop it through `cancel`.
    pub(super) async fn serve(&self, args: ServeArgs) -> Result<ServeView, Failure> {
        let token = match args.token {
            Some(token) if token.len() < TOKEN_CHARS => {
                let message = format!("A token has at least {TOKEN_CHARS} characters");
                return Err(codes::USAGE.failure(message));
            }
            Some(token) => token,
            None => hex::encode(entropy::bytes::<20>(&*self.ctx.entropy)),
        };
        let server = Server::bind(args.listen).await;
        let server = server.map_err(|error| not_bound(args.listen, &error))?;
        match &args.what {
            Served::Snapshots { snapshot } => {
                let wanted = MountArgs {
                    snapshot: snapshot.clone(),
                    wait_peers_secs: args.wait_peers_secs,
                    ..MountArgs::default()
                };
                let view = Arc::new(self.view(&wanted).boxed().await?);
                let offload = Arc::clone(&self.ctx.offload);
                let dav = Dav::new(view, offload, Arc::new(Kernel::default()), true);
                self.until_stopped(server, dav, &token).await;
            }
            Served::Drive { name, read_only } => {
                let open = self.door(name, args.wait_peers_secs).boxed().await;
                let open = match open {
                    Err(failure) if *read_only && failure.code == codes::FENCED.name => {
                        self.serve_followed(server, name, &token).boxed().await?;
                        return Ok(view(args.what));
                    }
                    open => open?,
                };
                let running = Arc::clone(open.running());
                let volume = Arc::clone(running.drive.volume());
                let offload = Arc::clone(&self.ctx.offload);
                let dav = Dav::new(volume, offload, Arc::clone(&running.kernel), *read_only);
                self.until_stopped(server, dav, &token).await;
                if open.close() {
                    // Whoever was the last makes the last commit.
                    running.ended().await;
                }
            }
        }
        Ok(view(args.what))
    }

    /// Serves what another machine writes: its last commit, and the next ones when they come.
    async fn serve_followed(&self, server: Server, name: &str, token: &str) -> Result<(), Failure> {
        let packs = self.engine.data_packs().await?;
        let follower = Follower::new(name, self.engine.ctx().clone(), packs).await?;
        let follower = Arc::new(follower.ok_or_else(|| unknown(name))?);
        let (files, offload) = (Arc::clone(&follower), Arc::clone(&self.ctx.offload));
        let dav = Dav::new(files, offload, Arc::new(Kernel::default()), true);
        tokio::select! { biased;
            () = self.until_stopped(server, dav, token) => {}
            () = self.engine.keep_fresh(&follower) => {}
        }
        Ok(())
    }

    async fn until_stopped(&self, server: Server, dav: Dav, token: &str) {
        self.ctx.monitor.serving(&server.url(token), token);
        server.serve(dav, Gate::new(token), self.cancel.clone()).await;
    }
}

fn view(what: Served) -> ServeView {
    ServeView { schema: "gbak.serve/1".to_owned(), what }
}

fn not_bound(listen: SocketAddr, error: &std::io::Error) -> Failure {
    let message = format!("Cannot listen on {listen}: {error}");
    failure(codes::SERVE, message, &["gbak drive serve NAME --listen 127.0.0.1:0"])
}
