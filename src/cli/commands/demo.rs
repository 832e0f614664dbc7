//! `gbak demo`: the main job on an embedded grid.

use crate::api::backend::Backend;
use crate::api::setup::{DemoArgs, DemoLine, DemoView};
use crate::api::{Failure, codes};
use crate::cli::args::Demo;
use crate::cli::output::{escape, plural, took};
use crate::cli::shell::{Look, Shell};

use super::backup::absolute;

pub(crate) fn run(
    args: &Demo,
    backend: &impl Backend,
    shell: &mut Shell<'_>,
) -> Result<u8, Failure> {
    let dir = args.dir.as_deref().map(absolute).transpose()?;
    let mut unwritten = None;
    let view = backend.demo(DemoArgs { dir }, &mut |line| {
        if let Err(failure) = step(&line, shell) {
            unwritten.get_or_insert(failure);
        }
    })?;
    if let Some(failure) = unwritten {
        return Err(failure);
    }
    if shell.look.json {
        shell.print_message("summary", &view)?;
    } else {
        shell.print(&summary(&view, &shell.look))?;
    }
    if view.identical {
        return Ok(0);
    }
    let count = plural(view.differences.len() as u64, "difference");
    Err(codes::DEMO_DIFFERS.failure(format!("The restored tree has {count} to its source")))
}

fn step(line: &DemoLine, shell: &mut Shell<'_>) -> Result<(), Failure> {
    if shell.look.json {
        return shell.print_message("step", line);
    }
    let (step, outcome) = (escape(&line.step), escape(&line.outcome));
    shell.say(&format!("{:>8}  {step}: {outcome}", took(line.seconds)))
}

fn summary(view: &DemoView, look: &Look) -> String {
    let mut lines: Vec<String> =
        view.differences.iter().map(|difference| format!("  {}", escape(difference))).collect();
    let came = if view.identical { "all identical" } else { "NOT all identical" };
    lines.push(format!(
        "{} of {} machines gone, {} and {} back from 24 words, {came}; {} in all",
        view.killed,
        view.peers,
        plural(view.entries, "entry").replace("entrys", "entries"),
        look.units.size(view.bytes),
        took(view.seconds),
    ));
    lines.join("\n")
}

#[cfg(test)]
mod tests;
