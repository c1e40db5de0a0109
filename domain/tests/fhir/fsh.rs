//! FHIR Shorthand instances as JSON: as much as the IHE PCF examples use.

use serde_json::{Map, Value, json};

/// Every instance of a file: its name, the profile it is of, its JSON (without `resourceType`).
pub(crate) fn instances(text: &str) -> Vec<(String, String, Value)> {
    let mut out: Vec<(String, String, Value)> = Vec::new();
    let mut in_comment = false;
    let mut in_text = false;
    for line in text.lines() {
        let line = line.trim_end();
        if line.matches("\"\"\"").count() % 2 == 1 {
            in_text = !in_text;
            continue;
        }
        in_comment |= line.starts_with("/*");
        if in_comment || in_text {
            in_comment &= !line.contains("*/");
            continue;
        }
        if let Some(name) = line.strip_prefix("Instance:") {
            out.push((name.trim().to_owned(), String::new(), json!({ "id": name.trim() })));
        } else if let Some(of) = line.strip_prefix("InstanceOf:") {
            if let Some(last) = out.last_mut() {
                last.1 = of.trim().to_owned();
            }
        } else if ["Profile:", "ValueSet:", "RuleSet:", "Extension:", "CodeSystem:", "Invariant:"]
            .iter()
            .any(|k| line.starts_with(k))
        {
            // Rules that follow belong to no instance.
            out.push((String::new(), String::new(), json!({})));
        } else if let (Some(rule), Some(last)) = (line.strip_prefix("* "), out.last_mut())
            && let Some((path, value)) = rule.split_once(" = ")
            && !last.0.is_empty()
        {
            set(&mut last.2, path, value.trim());
        }
    }
    out.retain(|(name, ..)| !name.is_empty());
    out
}

/// Elements of Consent that are lists, by their last name.
const LISTS: &[&str] = &[
    "category",
    "performer",
    "organization",
    "policy",
    "security",
    "purpose",
    "securityLabel",
    "actor",
    "data",
    "action",
    "class",
    "coding",
];

fn set(root: &mut Value, path: &str, text: &str) {
    let mut at = root;
    let mut depth = 0;
    let mut steps: Vec<String> = Vec::new();
    for step in path.split('.') {
        steps.push(step.to_owned());
    }
    let last = steps.len() - 1;
    for (n, step) in steps.iter().enumerate() {
        let (name, marks) = step.split_once('[').unwrap_or((step.as_str(), ""));
        // `provision` is an object at the root and a list below it.
        let list = LISTS.contains(&name) || (name == "provision" && depth > 0);
        depth += usize::from(name == "provision");
        let object = at.as_object_mut().expect("an object");
        let slot = object.entry(name).or_insert(if list { json!([]) } else { Value::Null });
        at = if list {
            let items = slot.as_array_mut().expect("a list");
            if items.is_empty() || marks.ends_with("+]") {
                items.push(Value::Null);
            }
            items.last_mut().expect("an item")
        } else {
            slot
        };
        if n == last {
            *at = value(name, text);
        } else if at.is_null() {
            *at = Value::Object(Map::new());
        }
    }
}

fn value(name: &str, text: &str) -> Value {
    if let Some(reference) = text.strip_prefix("Reference(").and_then(|t| t.strip_suffix(')')) {
        return json!({ "reference": reference });
    }
    if let Some(string) = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')) {
        return json!(string);
    }
    let code = text.split(" \"").next().unwrap_or(text);
    match code.split_once('#') {
        Some(("", code)) => json!(code),
        Some((system, code)) => {
            let coding = json!({ "system": system, "code": code });
            // Coding and CodeableConcept look alike in FSH.
            if matches!(name, "scope" | "category" | "role") { json!({ "coding": [coding] }) } else { coding }
        }
        None => json!(text),
    }
}

#[test]
fn an_instance_becomes_json() {
    let text = "Profile: X\n* status 1..1\n\nInstance: a\nInstanceOf: X\n* status = #active\n* provision.type = #deny\n\
                * provision.purpose[+] = urn:s#A \"words\"\n* provision.purpose[+] = urn:s#B\n\
                * provision.provision.actor.reference = Reference(Group/g)\n* provision.provision.actor.role = urn:r#IRCP\n";
    let instances = instances(text);
    assert_eq!(instances.len(), 1);
    assert_eq!(
        instances[0].2,
        json!({ "id": "a", "status": "active", "provision": { "type": "deny",
            "purpose": [{"system": "urn:s", "code": "A"}, {"system": "urn:s", "code": "B"}],
            "provision": [{"actor": [{"reference": {"reference": "Group/g"},
                "role": {"coding": [{"system": "urn:r", "code": "IRCP"}]}}]}] } })
    );
}
