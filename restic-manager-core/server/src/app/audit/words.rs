//! The details of entries and alerts in words.

use serde_json::Value;
use std::collections::BTreeMap;

/// An object as `name: value` pairs.
pub(in crate::app) fn words(detail: Value) -> BTreeMap<String, String> {
    let Value::Object(fields) = detail else { return BTreeMap::new() };
    let given = fields.into_iter().filter(|(_, value)| !value.is_null());
    given.map(|(name, value)| (name, in_words(value))).collect()
}

/// A value as people read it: lists with commas, what became another with an arrow, the kind of a thing by what it
/// holds.
fn in_words(value: Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text,
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => items.into_iter().map(in_words).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => fields_in_words(fields),
        plain => plain.to_string(),
    }
}

fn fields_in_words(mut fields: serde_json::Map<String, Value>) -> String {
    if let (2, Some(before), Some(after)) = (fields.len(), fields.get("before"), fields.get("after")) {
        let same = before == after;
        let (before, after) = (in_words(before.clone()), in_words(after.clone()));
        return if same { after } else { format!("{before} → {after}") };
    }
    match fields.remove("kind") {
        Some(kind) if fields.is_empty() => in_words(kind),
        _ => {
            let pairs = fields.into_iter().map(|(name, value)| format!("{name}: {}", in_words(value)));
            pairs.collect::<Vec<_>>().join(", ")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn details_are_words_and_no_code() {
        let detail = json!({
            "with": ["password", "totp"],
            "role": { "before": "viewer", "after": "admin" },
            "disabled": { "before": false, "after": false },
            "scope": { "before": { "kind": "all" }, "after": { "kind": "tags", "tags": ["berlin", "paris"] } },
            "sessions": 3,
            "tags": [],
            "nothing": null,
        });
        let told: Vec<_> = words(detail).into_iter().map(|(name, text)| format!("{name}={text}")).collect();
        assert_eq!(
            told,
            [
                "disabled=false",
                "role=viewer → admin",
                "scope=all → tags: berlin, paris",
                "sessions=3",
                "tags=none",
                "with=password, totp",
            ]
        );
        assert!(words(json!("not an object")).is_empty());
    }
}
