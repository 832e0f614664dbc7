//! `gbak version`

use serde::Serialize;

use crate::api::Failure;
use crate::cli::shell::Shell;

#[derive(Serialize)]
struct Version {
    schema: &'static str,
    version: &'static str,
}

pub(crate) fn run(shell: &mut Shell<'_>) -> Result<u8, Failure> {
    let version = env!("CARGO_PKG_VERSION");
    if shell.look.json {
        shell.print_json(&Version { schema: "gbak.version/1", version })?;
    } else {
        shell.print(&format!("gbak {version}"))?;
    }
    Ok(0)
}
