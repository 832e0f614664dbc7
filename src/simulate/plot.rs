//! A run as a picture: SVG written by hand, two panels over the same years.
//!
//! Above: shards that exist, of the weakest packs and on average. Below: what repair sent, and the
//! least it could have sent. Numbers only go in, so nothing needs escaping. Total.

use std::fmt::Write as _;

use super::Outcome;

const WIDTH: f64 = 860.0;
const LEFT: f64 = 76.0;
const RIGHT: f64 = 20.0;
const PANEL: f64 = 210.0;
const TOPS: [f64; 2] = [56.0, 326.0];
const HEIGHT: f64 = 590.0;
/// Points drawn of each line.
const POINTS: usize = 400;

/// The picture of a run.
pub fn svg(outcome: &Outcome) -> String {
    let plan = &outcome.plan;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n"
    );
    let title = format!(
        "{} peers, {} years, {:.0} % leave a year, {:.0} % available, {}, seed {}: \
         {} of {} packs lost",
        plan.peers,
        plan.years,
        plan.departures * 100.0,
        plan.availability * 100.0,
        outcome.code,
        plan.seed,
        outcome.packs_lost,
        outcome.packs
    );
    text(&mut out, (LEFT, 24.0), "start", &title);
    let n = outcome.code.n() as f64;
    let shards = Panel { top: TOPS[0], years: plan.years, most: n };
    shards.frame(&mut out, "shards that exist", &|value| format!("{value:.0}"));
    let k = f64::from(outcome.code.k());
    shards.line(&mut out, "#c00", true, [(0.0, k), (plan.years, k)].into_iter());
    let points = || outcome.history.iter();
    shards.line(&mut out, "#888", false, points().map(|day| (day.years, day.mean_shards)));
    shards.line(&mut out, "#06c", false, points().map(|day| (day.years, day.least_shards)));
    legend(&mut out, TOPS[0], &[("#06c", "weakest packs"), ("#888", "mean"), ("#c00", "needed")]);
    let tib = (1_u64 << 40) as f64;
    let (sent, least) = (outcome.uploads_bytes as f64 / tib, outcome.repair_minimum_bytes / tib);
    let repair = Panel { top: TOPS[1], years: plan.years, most: sent.max(least).max(1e-6) * 1.05 };
    repair.frame(&mut out, "TiB sent by repair", &|value| format!("{value:.2}"));
    repair.line(&mut out, "#c00", true, [(0.0, 0.0), (plan.years, least)].into_iter());
    let sent = points().map(|day| (day.years, day.uploads_bytes as f64 / tib));
    repair.line(&mut out, "#06c", false, sent);
    legend(&mut out, TOPS[1], &[("#06c", "sent"), ("#c00", "least possible")]);
    text(&mut out, (WIDTH / 2.0, HEIGHT - 10.0), "middle", "years");
    out.push_str("</svg>\n");
    out
}

struct Panel {
    top: f64,
    years: f64,
    most: f64,
}

impl Panel {
    fn x(&self, years: f64) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * years / self.years.max(1e-9)
    }

    fn y(&self, value: f64) -> f64 {
        self.top + PANEL * (1.0 - value / self.most.max(1e-9))
    }

    fn frame(&self, out: &mut String, name: &str, label: &dyn Fn(f64) -> String) {
        let width = WIDTH - LEFT - RIGHT;
        let top = self.top;
        // Writing to a String cannot fail.
        let _written = writeln!(
            out,
            "<rect x=\"{LEFT}\" y=\"{top}\" width=\"{width}\" height=\"{PANEL}\" fill=\"none\" \
             stroke=\"#444\"/>"
        );
        text(out, (LEFT, top - 8.0), "start", name);
        for part in 0..=4 {
            let share = f64::from(part) / 4.0;
            text(
                out,
                (LEFT - 6.0, self.y(self.most * share) + 4.0),
                "end",
                &label(self.most * share),
            );
            let years = self.years * share;
            text(out, (self.x(years), top + PANEL + 16.0), "middle", &format!("{years:.2}"));
        }
    }

    fn line(
        &self,
        out: &mut String,
        colour: &str,
        dashed: bool,
        points: impl Iterator<Item = (f64, f64)>,
    ) {
        let all: Vec<(f64, f64)> = points.collect();
        let every = all.len().div_ceil(POINTS).max(1);
        let last = all.len().saturating_sub(1);
        let drawn = all.iter().enumerate().filter(|(at, _)| at % every == 0 || *at == last);
        let drawn: Vec<String> = drawn
            .map(|(_, (years, value))| format!("{:.1},{:.1}", self.x(*years), self.y(*value)))
            .collect();
        let dash = if dashed { " stroke-dasharray=\"6 4\"" } else { "" };
        let points = drawn.join(" ");
        let _written = writeln!(
            out,
            "<polyline points=\"{points}\" fill=\"none\" \
             stroke=\"{colour}\" stroke-width=\"1.4\"{dash}/>"
        );
    }
}

fn legend(out: &mut String, top: f64, entries: &[(&str, &str)]) {
    let mut x = WIDTH - RIGHT;
    for (colour, name) in entries.iter().rev() {
        let _written = writeln!(
            out,
            "<text x=\"{x}\" y=\"{}\" text-anchor=\"end\" fill=\"{colour}\">{name}</text>",
            top - 8.0
        );
        x -= 14.0 + name.len() as f64 * 7.0;
    }
}

fn text(out: &mut String, at: (f64, f64), anchor: &str, text: &str) {
    let (x, y) = at;
    let _written =
        writeln!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>");
}
