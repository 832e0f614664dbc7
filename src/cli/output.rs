//! Values to text a terminal may show: sizes, times, tables, and names that others chose.
//!
//! Invariant: no text from a snapshot or a peer reaches the terminal unescaped. Control characters
//! could move the cursor or retitle the window, bidirectional ones make a name read as another.

use std::fmt::Write as _;
use std::time::Duration;

use bytesize::ByteSize;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::api::PathBytes;

/// How sizes are written: `GBAK_UNITS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Units {
    /// Powers of 1024.
    #[default]
    Iec,
    /// Powers of 1000.
    Si,
    /// Bytes, without a unit.
    Raw,
}

impl Units {
    /// `iec`, `si` or `raw`.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name {
            "iec" => Some(Self::Iec),
            "si" => Some(Self::Si),
            "raw" => Some(Self::Raw),
            _ => None,
        }
    }

    /// A size, like `1.5 GiB`.
    pub(crate) fn size(self, bytes: u64) -> String {
        match self {
            Self::Iec => ByteSize::b(bytes).display().iec().to_string(),
            Self::Si => ByteSize::b(bytes).display().si().to_string(),
            Self::Raw => bytes.to_string(),
        }
    }

    /// The same in as few letters as tell sizes apart, at most eight: `1.5 GiB`, `31 GiB`.
    pub(crate) fn brief(self, bytes: u64) -> String {
        const IEC: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
        const SI: [&str; 7] = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
        let (step, names) = match self {
            Self::Iec => (1024.0, IEC),
            Self::Si => (1000.0, SI),
            Self::Raw => return bytes.to_string(),
        };
        let (mut value, mut at) = (bytes as f64, 0);
        // What would be rounded to a whole step is one of the next unit.
        while value.round() >= step && at + 1 < names.len() {
            value /= step;
            at += 1;
        }
        let digits = usize::from(at > 0 && (value * 10.0).round() < 100.0);
        format!("{value:.digits$} {}", names.get(at).copied().unwrap_or_default())
    }
}

/// Text from outside, safe to show: what a terminal would act on is written out.
pub(crate) fn escape(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if acts_on_terminal(letter) {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
    }
    shown
}

/// A path, safe to show; bytes that are no text as `\xff`.
pub(crate) fn path(path: &PathBytes) -> String {
    let mut shown = String::with_capacity(path.0.len());
    for chunk in path.0.utf8_chunks() {
        shown.push_str(&escape(chunk.valid()));
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _written = write!(shown, "\\x{byte:02x}");
        }
    }
    shown
}

/// Control, bidirectional and invisible characters, and separators that break lines.
pub(crate) fn acts_on_terminal(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

/// The first eight digits of an id.
pub(crate) fn short(id: &str) -> String {
    escape(&id.chars().take(8).collect::<String>())
}

/// A time as RFC 3339 gave it, in local time to the second; as it is when it is no time.
pub(crate) fn time(text: &str, zone: &TimeZone) -> String {
    match text.parse::<Timestamp>() {
        Ok(at) => at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_not_a_time) => escape(text),
    }
}

/// Year and month of a time.
pub(crate) fn month(text: &str, zone: &TimeZone) -> String {
    match text.parse::<Timestamp>() {
        Ok(at) => at.to_zoned(zone.clone()).strftime("%Y-%m").to_string(),
        Err(_not_a_time) => "-".to_owned(),
    }
}

/// How long ago a time was, coarsely; none when it is no time.
pub(crate) fn since(text: &str, now: Timestamp) -> Option<Duration> {
    let at: Timestamp = text.parse().ok()?;
    Some(Duration::try_from(now.duration_since(at)).unwrap_or_default())
}

/// `12 min ago`.
pub(crate) fn ago(text: &str, now: Timestamp) -> String {
    match since(text, now) {
        None => escape(text),
        Some(age) if age.as_secs() < 60 => "just now".to_owned(),
        Some(age) => format!("{} ago", coarse(age.as_secs())),
    }
}

/// Seconds as people say them, never more exact than is useful.
pub(crate) fn coarse(seconds: u64) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    match seconds {
        0..MINUTE => format!("{seconds} s"),
        MINUTE..HOUR => format!("{} min", seconds / MINUTE),
        HOUR..DAY if seconds / HOUR < 3 => {
            format!("{} h {} min", seconds / HOUR, seconds % HOUR / MINUTE)
        }
        HOUR..DAY => format!("{} h", seconds / HOUR),
        _ if seconds / DAY == 1 => "1 day".to_owned(),
        _ => format!("{} days", seconds / DAY),
    }
}

/// Seconds measured, with one digit while that says something.
pub(crate) fn took(seconds: f64) -> String {
    if seconds < 60.0 { format!("{seconds:.1} s") } else { coarse(seconds as u64) }
}

/// A noun with its number: `1 file`, `2 files`.
pub(crate) fn plural(count: u64, noun: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{ending}")
}

/// A column: its head, and whether its cells are numbers.
pub(crate) type Column<Head = &'static str> = (Head, bool);

/// A table without lines; heads and cells are shown as they are, so escape them before.
pub(crate) fn table<H: AsRef<str>>(columns: &[Column<H>], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(columns.iter().map(|(head, _)| head.as_ref()));
    table.add_rows(rows);
    for (column, (_, number)) in table.column_iter_mut().zip(columns) {
        column.set_padding((0, 2));
        if *number {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests;
