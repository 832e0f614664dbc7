//! Changing what is lent in the settings' file, which a person wrote: comments, order and spacing
//! of everything else stay as they are.
//!
//! Invariant: what is written reads back as exactly the settings wanted, or nothing is written.

use std::path::Path;

use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, value};

use super::{Amount, Config, ConfigError, Donate, LentDisk};

impl Config {
    /// Makes the file at `path` say that this is lent; when this returns `Ok`, it survives a power
    /// cut.
    pub fn save_donate(path: &Path, donate: &Donate) -> Result<(), ConfigError> {
        // Refuses what is wrong in it already, and what is too large.
        let mut wanted = Self::load(path)?;
        let text = match std::fs::read_to_string(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            read => read.map_err(|source| ConfigError::Read { path: path.to_owned(), source })?,
        };
        wanted.donate = donate.clone();
        let edited = edited(&text, donate).map_err(|source| {
            let (path, source) = (path.to_owned(), Box::new(source));
            ConfigError::Edit { path, source }
        })?;
        if !Self::parse(&edited, path).is_ok_and(|config| config == wanted) {
            // Written in a way we cannot change in place (an inline table, say): all of it anew.
            return wanted.save(path);
        }
        store::write_file_durable(path, edited.as_bytes())
            .map_err(|source| ConfigError::Write { path: path.to_owned(), source })
    }
}

fn edited(text: &str, donate: &Donate) -> Result<String, toml_edit::TomlError> {
    let mut document: DocumentMut = text.parse()?;
    let section = document.entry("donate").or_insert_with(|| Item::Table(Table::new()));
    if let Some(table) = section.as_table_mut() {
        set(table, "size", Some(donate.size));
        set(table, "min-free", Some(donate.min_free));
        set(table, "safe-area", Some(donate.safe_area));
        set_disks(table, &donate.disks);
    }
    Ok(document.to_string())
}

/// Changes a value only if it differs, so that what is the same keeps its spelling.
fn set(table: &mut Table, key: &str, amount: Option<Amount>) {
    let Some(amount) = amount else {
        table.remove(key);
        return;
    };
    let known = table.get(key).and_then(Item::as_str).and_then(|text| text.parse().ok());
    if known != Some(amount) {
        put(table, key, &amount.to_string());
    }
}

/// A new value with the old one's spacing and comment.
fn put(table: &mut Table, key: &str, text: &str) {
    let mut new = toml_edit::Value::from(text);
    if let Some(old) = table.get(key).and_then(Item::as_value) {
        *new.decor_mut() = old.decor().clone();
    }
    if let Some(item) = table.get_mut(key) {
        *item = Item::Value(new);
    } else {
        table.insert(key, value(text));
    }
}

fn set_disks(table: &mut Table, disks: &[LentDisk]) {
    let is_at = |entry: &Table, disk: &LentDisk| {
        entry.get("path").and_then(Item::as_str).is_some_and(|path| Path::new(path) == disk.path)
    };
    if disks.is_empty() {
        table.remove("disks");
        return;
    }
    let item = table.entry("disks").or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    let Some(entries) = item.as_array_of_tables_mut() else { return };
    entries.retain(|entry| disks.iter().any(|disk| is_at(entry, disk)));
    for disk in disks {
        if !entries.iter().any(|entry| is_at(entry, disk)) {
            let mut entry = Table::new();
            entry.insert("path", value(disk.path.to_string_lossy().into_owned()));
            entries.push(entry);
        }
        if let Some(entry) = entries.iter_mut().find(|entry| is_at(entry, disk)) {
            set(entry, "donate", Some(disk.donate));
            set(entry, "min-free", disk.min_free);
            set(entry, "safe-area", disk.safe_area);
        }
    }
}
