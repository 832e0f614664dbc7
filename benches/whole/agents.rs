//! A grid of real agents, each a process of its own; nothing outlives the values.

use std::path::Path;

use gbak::demo::agents::Agent;

use crate::Failure;

/// Where agents listen.
pub(crate) const LOOPBACK: &str = "/ip4/127.0.0.1/tcp/0";

/// Founds a grid below `dir`, and starts its founder and so many others.
pub(crate) fn founded(program: &Path, dir: &Path, others: usize) -> Result<Vec<Agent>, Failure> {
    let mut agents: Vec<Agent> = Vec::new();
    for number in 0..=others {
        let name = format!("agent-{number}");
        let words = dir.join(&name).with_extension("words");
        let words = words.to_string_lossy();
        let mut args = vec!["init", "--name", &name, "--phrase-file", &words];
        args.extend(["--donate", "8GiB", "--min-free", "64MiB", "--listen", LOOPBACK]);
        args.extend(["--no-mdns", "--non-interactive", "--json"]);
        let invitation = match agents.first() {
            None => None,
            Some(founder) => Some(founder.expect(&["invite", "--json"])?),
        };
        if let Some(invitation) = &invitation {
            let text = invitation["invite"].as_str().ok_or("no invitation")?;
            args.extend(["--join", text]);
        }
        let mut agent = Agent::new(program, dir, &name);
        agent.expect(&args)?;
        agent.start()?;
        agents.push(agent);
    }
    Ok(agents)
}
