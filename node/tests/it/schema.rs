//! Holds answers against the OpenAPI document: just as much of JSON Schema as the document uses,
//! and a panic for more.

use serde_json::Value;
use std::sync::LazyLock;

static DOC: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(&amanat_node::server::OPENAPI).expect("the document is JSON"));

/// The answer of this method and path is one the document has.
pub(crate) fn check(method: &str, path: &str, status: u16, kind: &str, body: &Value) {
    let path = path.split('?').next().unwrap_or(path);
    let operation = DOC["paths"].as_object().expect("paths").iter().find(|(t, _)| fits(t, path));
    let Some(operation) = operation.and_then(|(_, item)| item.get(method)) else {
        assert!(matches!(status, 404 | 405), "{method} {path} is not in the document but answers {status}");
        return valid("an error", &DOC["components"]["schemas"]["Error"], body);
    };
    let response = follow(&operation["responses"][status.to_string()]);
    assert!(!response.is_null(), "{method} {path}: status {status} is not in the document: {body}");
    let kind = kind.split(';').next().unwrap_or(kind);
    let content = &response["content"][kind];
    assert!(!content.is_null(), "{method} {path}: content of type {kind} is not in the document");
    if kind == "application/json" {
        valid(path, &content["schema"], body);
    }
}

/// The event is one the document has.
pub(crate) fn check_event(data: &Value) {
    valid("event", &DOC["components"]["schemas"]["BlockEvent"], data);
}

fn fits(template: &str, path: &str) -> bool {
    let (mut t, mut p) = (template.split('/'), path.split('/'));
    loop {
        match (t.next(), p.next()) {
            (None, None) => return true,
            (Some(t), Some(p)) if t == p || (t.starts_with('{') && !p.is_empty() && p != "latest") => {}
            _ => return false,
        }
    }
}

fn follow(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(target) => DOC.pointer(target.trim_start_matches('#')).expect("a target"),
        None => value,
    }
}

fn valid(at: &str, schema: &'static Value, value: &Value) {
    if let Err(why) = conforms(at, schema, value) {
        panic!("{why}");
    }
}

fn conforms(at: &str, schema: &'static Value, value: &Value) -> Result<(), String> {
    let fail = |why: &str| Err(format!("{at}: {why}: {value}"));
    for (word, rule) in schema.as_object().expect("a schema") {
        match word.as_str() {
            "description" | "contentMediaType" | "default" => {}
            "$ref" => conforms(at, follow(schema), value)?,
            "type" => {
                let is = |name: &Value| match name.as_str() {
                    Some("object") => value.is_object(),
                    Some("array") => value.is_array(),
                    Some("string") => value.is_string(),
                    Some("boolean") => value.is_boolean(),
                    Some("null") => value.is_null(),
                    Some("integer") => value.is_u64() || value.is_i64(),
                    other => panic!("type {other:?}"),
                };
                if !rule.as_array().map_or_else(|| is(rule), |any| any.iter().any(is)) {
                    return fail("wrong type");
                }
            }
            "properties" => {
                for (name, schema) in rule.as_object().expect("properties") {
                    if let Some(value) = value.get(name) {
                        conforms(&format!("{at}.{name}"), schema, value)?;
                    }
                }
            }
            "required" => {
                for name in rule.as_array().expect("names").iter().filter_map(Value::as_str) {
                    if value.get(name).is_none() {
                        return fail(&format!("{name} is missing"));
                    }
                }
            }
            "additionalProperties" => {
                let known = schema["properties"].as_object().expect("properties");
                if let Some(name) = value.as_object().and_then(|m| m.keys().find(|k| !known.contains_key(*k)))
                {
                    return fail(&format!("{name} is not in the document"));
                }
            }
            "items" => {
                for (i, value) in value.as_array().map(Vec::as_slice).unwrap_or_default().iter().enumerate() {
                    conforms(&format!("{at}[{i}]"), rule, value)?;
                }
            }
            "enum" => {
                if !rule.as_array().expect("values").contains(value) {
                    return fail("not among the values");
                }
            }
            "oneOf" => {
                let all = rule.as_array().expect("schemas");
                if all.iter().filter(|schema| conforms(at, schema, value).is_ok()).count() != 1 {
                    return fail("not exactly one of the schemas");
                }
            }
            "minimum" if value.is_null() => {}
            "minimum" => {
                if value.as_i64().is_some_and(|n| n < rule.as_i64().expect("a bound")) {
                    return fail("too small");
                }
            }
            "maximum" => {
                if value.as_u64().is_some_and(|n| n > rule.as_u64().expect("a bound")) {
                    return fail("too large");
                }
            }
            "minItems" | "maxItems" => {
                let (n, bound) =
                    (value.as_array().map_or(0, Vec::len) as u64, rule.as_u64().expect("a bound"));
                if (word == "minItems" && n < bound) || (word == "maxItems" && n > bound) {
                    return fail(word);
                }
            }
            "pattern" => {
                let text = value.as_str().unwrap_or("");
                let length_fits = if rule.as_str().is_some_and(|p| p.contains("{64}")) {
                    text.len() == 64
                } else {
                    text.len().is_multiple_of(2)
                };
                if !length_fits || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
                    return fail("not hexadecimal of the right length");
                }
            }
            other => panic!("the document uses `{other}`, which this test does not know"),
        }
    }
    Ok(())
}
