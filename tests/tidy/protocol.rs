//! The protocol's document and its schema: they say what the code does, and no less.

use crate::tree::{expect_none, file, root};
use jsonschema::Validator;
use keybearer_protocol::{ErrorCode, schema};
use serde_json::{Value, json};
use std::fs;

const SCHEMA: &str = "docs/protocol.schema.json";
const DOCUMENT: &str = "docs/protocol.md";

#[test]
fn the_schema_is_what_the_types_are() {
    let fresh = format!("{}\n", serde_json::to_string_pretty(&schema::document()).expect("JSON"));
    let path = root().join(SCHEMA);
    if std::env::var_os("KEYBEARER_WRITE_SCHEMA").is_some() {
        #[expect(clippy::disallowed_methods, reason = "a file of the repository, not of a user")]
        fs::write(&path, &fresh).expect("the document's folder can be written");
    }
    let kept = fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    let what_to_do =
        "Run `cargo test -p keybearer-tests --test tidy` with KEYBEARER_WRITE_SCHEMA=1, and look at what has changed.";
    assert!(fresh == kept, "{SCHEMA} is not what the types are now. {what_to_do}");
}

/// The blocks of the document in this language.
fn blocks(language: &str) -> Vec<String> {
    let text = file(DOCUMENT).text;
    let fence = format!("```{language}\n");
    let blocks = text.split(&fence).skip(1).filter_map(|rest| rest.split_once("\n```"));
    blocks.map(|(block, _)| block.to_owned()).collect()
}

/// Holds values to a type of the schema.
fn validator(of: &str) -> Validator {
    let mut schema = schema::document();
    let own = schema.as_object_mut().expect("an object");
    own.remove("anyOf");
    own.insert("$ref".to_owned(), format!("#/$defs/{of}").into());
    jsonschema::draft202012::new(&schema).expect("a sound schema")
}

#[track_caller]
fn fits(of: &str, value: &Value) {
    let validator = validator(of);
    let problems: Vec<String> =
        validator.iter_errors(value).map(|error| format!("{} at {}", error, error.instance_path())).collect();
    assert!(problems.is_empty(), "{value}\nis no {of}: {problems:?}");
}

#[test]
fn every_example_in_the_document_fits_the_schema() {
    let examples: Vec<Value> = blocks("json")
        .iter()
        .flat_map(|block| block.lines())
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    let mut answered = 0;
    for example in &examples {
        match (example.get("id"), example.get("method")) {
            (Some(_), Some(_)) => fits("Request", example),
            (None, Some(_)) => fits("Notification", example),
            (_, None) => {
                fits("Answer", example);
                let Some(result) = example.get("result") else { continue };
                let asked = examples.iter().find(|other| other["id"] == example["id"] && other.get("method").is_some());
                let method = asked.and_then(|asked| asked["method"].as_str()).expect("an answer follows its question");
                fits(&format!("Methods/properties/{method}/properties/reply"), result);
                answered += 1;
            }
        }
    }
    assert!(answered >= 2, "the examples are somewhere else now");
    // The validator is one that can say no.
    let wrong = json!({ "jsonrpc": "2.0", "id": 1, "method": "token.get", "params": { "profile": 7 } });
    assert!(!validator("Request").is_valid(&wrong));
}

/// What stands between backticks in a text.
fn quoted(text: &str) -> Vec<&str> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.map(|word| word.trim_end_matches('?')).collect()
}

/// The names of the members of a method's parameters or reply.
fn members(schema: &Value, method: &Value, side: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut kind = &method["properties"][side];
    if let Some(name) = kind["$ref"].as_str() {
        kind = &schema["$defs"][name.trim_start_matches("#/$defs/")];
    }
    found.extend(kind["properties"].as_object().into_iter().flat_map(|members| members.keys().cloned()));
    found
}

#[test]
fn the_document_has_every_method_with_its_parameters_and_its_reply() {
    let (document, schema) = (file(DOCUMENT).text, schema::document());
    let methods = document.split_once("\n## Methods").expect("the methods have a section").1;
    let methods = methods.split_once("\n## Errors").expect("errors follow").0;
    let all = quoted(&document);
    let mut offences = Vec::new();
    for (name, method) in schema["$defs"]["Methods"]["properties"].as_object().expect("methods") {
        let Some(row) = methods.lines().find(|line| line.starts_with(&format!("| `{name}` |"))) else {
            offences.push(format!("{name} has no row"));
            continue;
        };
        let in_row = quoted(row);
        let elsewhere = row.contains("#");
        for parameter in members(&schema, method, "params") {
            if !in_row.contains(&parameter.as_str()) && !(elsewhere && all.contains(&parameter.as_str())) {
                offences.push(format!("{name}: the parameter {parameter} isn't in its row"));
            }
        }
        for member in members(&schema, method, "reply") {
            if !all.contains(&member.as_str()) {
                offences.push(format!("{name}: {member} of the reply is nowhere explained"));
            }
        }
    }
    let known = |name: &&str| schema["$defs"]["Methods"]["properties"].get(*name).is_some();
    let rows = methods.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`')).map(|(name, _)| name);
    offences.extend(
        rows.filter(|name| name.contains('.') && !name.contains('*') && !known(name) && !is_event(&schema, name))
            .map(|name| format!("{name} is no method")),
    );
    expect_none(&offences, "Write into docs/protocol.md what the types say.");
}

fn is_event(schema: &Value, name: &str) -> bool {
    schema["$defs"]["Event"]["oneOf"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|event| event["properties"]["method"]["const"] == name)
}

#[test]
fn the_document_has_every_event_and_every_error() {
    let (document, schema) = (file(DOCUMENT).text, schema::document());
    let mut offences = Vec::new();
    let events = schema["$defs"]["Event"]["oneOf"].as_array().expect("events");
    assert!(events.len() > 5, "the events are written otherwise now");
    for event in events {
        let name = event["properties"]["method"]["const"].as_str().expect("a name");
        let row = document.lines().find(|line| line.starts_with(&format!("| `{name}` |"))).unwrap_or_default();
        let told = event["properties"]["params"]["properties"].as_object().expect("members");
        let missing = told.keys().filter(|member| *member != "seq" && !quoted(row).contains(&member.as_str()));
        offences.extend(missing.map(|member| format!("{name}: {member} isn't in its row")));
    }
    for code in ErrorCode::ALL {
        let written = format!("| {} | `{}`", code.code().to_string().replace('-', "−"), code.name());
        if !document.contains(&written) {
            offences.push(format!("{} {} isn't in the table of errors", code.code(), code.name()));
        }
    }
    expect_none(&offences, "Write into docs/protocol.md what the types say.");
}
