//! `gbak risk`: chances in words, what-ifs side by side, and what is only assumed.

use crate::api::backend::Backend;
use crate::api::{
    Answer, Call, Failure, FigureView, HolderRiskView, OutlookView, RiskArgs, RiskInputsView,
    RiskView, ScenarioView,
};
use crate::cli::args::Risk;
use crate::cli::output::{coarse, escape, plural, short, table};
use crate::cli::progress::Job;
use crate::cli::shell::Shell;

use super::{ask, wrong_answer};

/// Names of holders that are written out; more are counted.
const NAMES: usize = 6;

pub(crate) fn run(
    args: &Risk,
    backend: &impl Backend,
    shell: &mut Shell<'_>,
) -> Result<u8, Failure> {
    let call = Call::Risk(RiskArgs {
        without: args.without.clone(),
        without_sites: args.without_site.clone(),
    });
    let Answer::Risk(view) = ask(backend, call, Job::Look, shell)? else {
        return Err(wrong_answer());
    };
    if shell.look.json {
        shell.print_json(&view)?;
    } else {
        shell.print(&text(&view))?;
    }
    Ok(0)
}

fn text(view: &RiskView) -> String {
    let mut parts = Vec::new();
    if view.scenarios.iter().all(|case| case.outlook.packs == 0) {
        parts.push("Nothing of yours is on other machines yet".to_owned());
    } else {
        parts.push(figures(view));
        parts.extend(view.scenarios.iter().filter_map(worst));
    }
    let inputs = &view.inputs;
    if inputs.packs_queued > 0 {
        parts.push(format!(
            "{} not on other machines yet: in none of these figures",
            plural(inputs.packs_queued, "pack")
        ));
    }
    if inputs.strangers > 0 {
        parts.push(format!(
            "{} with shards of yours not known any more: these do not count",
            plural(inputs.strangers, "machine")
        ));
    }
    parts.extend(rests_on(inputs));
    parts.join("\n")
}

/// One row for each figure, one column for each case.
fn figures(view: &RiskView) -> String {
    let heads = view.scenarios.iter().map(|case| (head(case), true));
    let columns: Vec<(String, bool)> =
        std::iter::once((String::new(), false)).chain(heads).collect();
    let gone = |case: &ScenarioView| case.holders_gone.to_string();
    let gone = std::iter::once("holders gone".to_owned()).chain(view.scenarios.iter().map(gone));
    let row = |name: &str, cell: &dyn Fn(&OutlookView) -> String| {
        let cells = view.scenarios.iter().map(|case| cell(&case.outlook));
        std::iter::once(name.to_owned()).chain(cells).collect()
    };
    let rows: Vec<Vec<String>> = vec![
        gone.collect(),
        row("packs lost already", &|case| format!("{} of {}", case.packs_lost, case.packs)),
        row("holders that may fail", &|case| case.can_lose.to_string()),
        row("places that may fail", &|case| case.can_lose_domains.to_string()),
        row("some loss within a year", &|case| chance(case.p_loss_year)),
        row("  if nothing is repaired", &|case| chance(case.p_loss_year_unrepaired)),
        row("weakest pack then lasts", &|case| lasts(case.days_to_loss_weakest)),
        row("all can be restored now", &|case| share(case.p_restore.now)),
        row("  within a day", &|case| share(case.p_restore.day)),
        row("  within 7 days", &|case| share(case.p_restore.week)),
        row("  within 14 days", &|case| share(case.p_restore.fortnight)),
    ];
    table(&columns, rows)
}

fn head(case: &ScenarioView) -> String {
    match case.without.as_slice() {
        [] => "AS IT IS".to_owned(),
        [one] => format!("WITHOUT {}", escape(one)),
        _ => "WITHOUT ALL OF THESE".to_owned(),
    }
}

/// What would be lost with one place, where that is anything.
fn worst(case: &ScenarioView) -> Option<String> {
    let worst = case.outlook.worst_domain.as_ref().filter(|worst| worst.packs_lost > 0)?;
    let names = worst
        .holders
        .iter()
        .map(|holder| holder.name.as_deref().map_or_else(|| short(&holder.peer_id), escape));
    Some(format!(
        "{}: {} would be lost with {} alone",
        head(case),
        plural(worst.packs_lost, "pack"),
        listed(names.collect())
    ))
}

/// What the figures rest on, and what of it is only assumed.
fn rests_on(inputs: &RiskInputsView) -> Vec<String> {
    let is_measured = |holder: &&HolderRiskView| holder.availability.source == "measured";
    let (measured, assumed): (Vec<_>, Vec<_>) = inputs.holders.iter().partition(is_measured);
    let mut lines = Vec::new();
    if !measured.is_empty() {
        let name = |holder: &&HolderRiskView| {
            let answered = format!("{} of {}", holder.seen, holder.looks);
            format!("{} {answered}", escape(&holder.name))
        };
        lines.push(format!(
            "Measured: answered so many audits in {} days: {}",
            inputs.window_days,
            listed(measured.iter().map(name).collect())
        ));
    }
    if let Some(first) = assumed.first() {
        let names = assumed.iter().map(|holder| escape(&holder.name)).collect();
        lines.push(format!(
            "Assumed, as they were never audited: on {} of the time: {}",
            share(first.availability.value),
            listed(names)
        ));
    }
    let source = |figure: &FigureView| escape(&figure.source);
    lines.push(format!(
        "Reckoned with: {} of holders leaving within a year ({}), a lost shard made again after {} \
         ({}), an absence of {} ({})",
        share(inputs.departures_per_year.value),
        source(&inputs.departures_per_year),
        days(inputs.repair_days.value),
        source(&inputs.repair_days),
        days(inputs.absence_days.value),
        source(&inputs.absence_days),
    ));
    lines
}

/// A few names, and how many more.
fn listed(mut names: Vec<String>) -> String {
    let more = names.len().saturating_sub(NAMES);
    names.truncate(NAMES);
    let names = names.join(", ");
    if more > 0 { format!("{names} and {more} more") } else { names }
}

/// A chance, as `1 in 340`; as a share when it is a large one.
fn chance(chance: f64) -> String {
    match chance {
        chance if chance >= 0.1 => share(chance),
        chance if chance <= 0.0 => "none".to_owned(),
        chance if chance < 1e-9 => "below 1 in a billion".to_owned(),
        chance => format!("1 in {}", grouped(two_digits(1.0 / chance))),
    }
}

/// A share, with as many digits as say something, and never 100 % for less.
fn share(share: f64) -> String {
    let left = 1.0 - share;
    match left {
        left if left <= 0.0 => "100 %".to_owned(),
        left if left < 1e-6 => "> 99.9999 %".to_owned(),
        left if left < 0.1 => {
            // One digit of what is missing, cut and not rounded.
            let digits = (-(left * 100.0).log10()).floor().max(-1.0) as i32 + 1;
            let unit = 10_f64.powi(digits);
            // What is a whole number but for rounding stays one.
            format!("{:.*} %", digits.max(0) as usize, (share * 100.0 * unit + 1e-6).floor() / unit)
        }
        _ if share < 0.005 => format!("{:.1} %", share * 100.0),
        _ => format!("{:.0} %", share * 100.0),
    }
}

fn lasts(days: Option<f64>) -> String {
    const YEAR: f64 = 365.25;
    match days {
        None => "-".to_owned(),
        Some(days) if days >= YEAR => format!("{:.1} years", days / YEAR),
        Some(days) => coarse((days * 86_400.0) as u64),
    }
}

fn days(days: f64) -> String {
    coarse((days * 86_400.0) as u64)
}

/// Rounded to two digits.
fn two_digits(number: f64) -> u64 {
    let unit = 10_f64.powf((number.log10().floor() - 1.0).max(0.0));
    ((number / unit).round() * unit) as u64
}

/// With commas between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests;
