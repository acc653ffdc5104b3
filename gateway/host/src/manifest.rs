//! What the host makes of the schemas in a manifest: settings are checked by them. The manifest itself, with every
//! rule of it, is the contract's ([`dialog_contract::manifest`]).

use serde_json::Value;

/// Checks a value by one of a manifest's schemas.
///
/// # Errors
/// The places and rules that it breaks, at most five, without the values.
pub fn check_value(schema: &Value, value: &Value) -> Result<(), String> {
    let validator = jsonschema::draft202012::new(schema).map_err(|error| error.to_string())?;
    let errors: Vec<String> = validator
        .iter_errors(value)
        .take(5)
        .map(|error| {
            let place = error.instance_path().to_string();
            let place = if place.is_empty() { "it".to_owned() } else { place };
            format!("{place} breaks {}", error.schema_path())
        })
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(errors.join("; ")) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_that_breaks_its_schema_is_told_where_and_never_shown() {
        let schema = json!({ "type": "object", "properties": { "key": { "type": "integer" } }, "required": ["key"] });
        assert_eq!(check_value(&schema, &json!({ "key": 1 })), Ok(()));
        let error = check_value(&schema, &json!({ "key": "hemmelig" })).unwrap_err();
        assert!(error.contains("/key") && !error.contains("hemmelig"), "{error}");
    }
}
