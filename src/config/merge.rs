//! Changes values in a file that a person wrote, and nothing else. Pure.
//!
//! What differs between two full texts of the settings, before and after, is changed in the file's
//! own text; a list differs as a whole. What the file leaves at its default stays unsaid.

use toml_edit::{DocumentMut, Item, TableLike, TomlError, Value};

/// The text `there` with what differs between `before` and `after` changed.
pub(super) fn merge(there: &str, before: &str, after: &str) -> Result<String, TomlError> {
    let mut there = there.parse::<DocumentMut>()?;
    let (before, after) = (before.parse::<DocumentMut>()?, after.parse::<DocumentMut>()?);
    change(there.as_table_mut(), before.as_table(), after.as_table());
    Ok(there.to_string())
}

fn change(there: &mut dyn TableLike, before: &dyn TableLike, after: &dyn TableLike) {
    for (key, new) in after.iter() {
        let old = before.get(key);
        if old.is_some_and(|old| same(old, new)) {
            continue;
        }
        match (new.as_table_like(), old.and_then(Item::as_table_like)) {
            (Some(new), Some(old)) => {
                let part = there.entry(key).or_insert_with(toml_edit::table);
                if let Some(part) = part.as_table_like_mut() {
                    change(part, old, new);
                }
            }
            _ => set(there, key, new),
        }
    }
    for (key, _) in before.iter().filter(|(key, _)| after.get(key).is_none()) {
        there.remove(key);
    }
}

/// Puts a value in the place of another, whose comments stay.
fn set(there: &mut dyn TableLike, key: &str, new: &Item) {
    match (there.get_mut(key).and_then(Item::as_value_mut), new.as_value()) {
        (Some(place), Some(new)) => {
            let decor = place.decor().clone();
            *place = new.clone();
            *place.decor_mut() = decor;
        }
        (None, Some(new)) => {
            let mut bare: Value = new.clone();
            bare.decor_mut().clear();
            there.insert(key, Item::Value(bare));
        }
        _ => {
            there.insert(key, new.clone());
        }
    }
}

fn same(one: &Item, other: &Item) -> bool {
    one.to_string().trim() == other.to_string().trim()
}
