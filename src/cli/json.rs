//! JSON as CLI.md has it: one line a document, ids and times as the views give them.
//!
//! Paths that are no text travel inside as marked hex ([`PathBytes`]); printed, they are lossy text
//! under their name, and exact base64 under the same name with `_b64`.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Map, Value};

use super::output::acts_on_terminal;
use crate::api::{Failure, PathBytes, codes};

/// One line.
pub(crate) fn line(document: &impl Serialize) -> Result<String, Failure> {
    Ok(shown(&value(document)?))
}

/// One line of a long command, of this `message_type`.
pub(crate) fn message(kind: &str, document: &impl Serialize) -> Result<String, Failure> {
    let mut fields = Map::new();
    fields.insert("message_type".to_owned(), Value::from(kind));
    if let Value::Object(inner) = value(document)? {
        fields.extend(inner);
    }
    Ok(shown(&Value::Object(fields)))
}

/// The text of a document. What a terminal would act on stands in strings only, and is escaped
/// there beyond what JSON asks for: such output is looked at too.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    if !text.contains(acts_on_terminal) {
        return text;
    }
    let mut safe = String::with_capacity(text.len() + 64);
    for letter in text.chars() {
        if acts_on_terminal(letter) {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _written = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(letter);
        }
    }
    safe
}

/// The document with its paths made readable.
fn value(document: &impl Serialize) -> Result<Value, Failure> {
    let value = serde_json::to_value(document)
        .map_err(|error| codes::INTERNAL.failure(format!("Cannot print the result: {error}")))?;
    Ok(readable(value))
}

fn readable(value: Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(readable_fields(fields)),
        Value::Array(items) => Value::Array(items.into_iter().map(readable).collect()),
        other => other,
    }
}

fn readable_fields(fields: Map<String, Value>) -> Map<String, Value> {
    let mut shown = Map::new();
    for (name, value) in fields {
        let exact = exact(&value);
        match (exact, value) {
            (Some((lossy, exact)), _) => {
                let also = format!("{name}_b64");
                shown.insert(name, lossy);
                shown.insert(also, exact);
            }
            (None, value) => {
                shown.insert(name, readable(value));
            }
        }
    }
    shown
}

/// Lossy and exact forms of a path that is no text, or of a list that has such; else none.
fn exact(value: &Value) -> Option<(Value, Value)> {
    match value {
        Value::String(text) => {
            let bytes = raw(text)?;
            let lossy = String::from_utf8_lossy(&bytes).into_owned();
            Some((Value::from(lossy), Value::from(base64(&bytes))))
        }
        Value::Array(items) => {
            let pairs: Vec<Option<(Value, Value)>> = items
                .iter()
                .map(|item| if item.is_string() { exact(item) } else { None })
                .collect();
            pairs.iter().any(Option::is_some).then(|| {
                let both = pairs.into_iter().zip(items);
                let both =
                    both.map(|(pair, item)| pair.unwrap_or_else(|| (item.clone(), Value::Null)));
                let (lossy, exact): (Vec<Value>, Vec<Value>) = both.unzip();
                (Value::from(lossy), Value::from(exact))
            })
        }
        _ => None,
    }
}

/// The bytes of a marked path.
fn raw(text: &str) -> Option<Vec<u8>> {
    let marked = text.starts_with('\u{0}').then(|| Value::from(text))?;
    let PathBytes(bytes) = serde_json::from_value(marked).ok()?;
    std::str::from_utf8(&bytes).is_err().then_some(bytes)
}

/// RFC 4648, with padding.
pub(crate) fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * at) & 63) as usize];
            text.push(if at <= group.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests;
