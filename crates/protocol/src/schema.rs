//! The words on the wire as JSON Schema (draft 2020-12), made from the types that the agent reads and writes.
//!
//! The document itself describes any line; `Methods` names parameters and reply of each method.

use crate::error::{ErrorCode, ErrorObject};
use crate::events::Event;
use crate::method::Method;
use crate::methods;
use crate::request::RequestCancel;
use crate::session::{PROTOCOL, SessionOpen};
use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

/// Looks at the types of methods.
pub(crate) trait Visitor {
    /// Looks at one.
    fn method<M: Method>(&mut self)
    where
        M::Params: JsonSchema,
        M::Reply: JsonSchema;
}

/// The document.
pub fn document() -> Value {
    let mut found = Found {
        // What is read may lack more than what is written ever does.
        read: SchemaSettings::draft2020_12().for_deserialize().into_generator(),
        written: SchemaSettings::draft2020_12().for_serialize().into_generator(),
        methods: Map::new(),
        requests: Vec::new(),
    };
    found.method::<SessionOpen>();
    found.method::<RequestCancel>();
    methods::visit(&mut found);
    let error = found.written.subschema_for::<ErrorObject>();
    let event = found.written.subschema_for::<Event>();
    let Found { mut read, mut written, methods, requests } = found;
    let mut types = read.take_definitions(true);
    for (name, schema) in written.take_definitions(true) {
        let known = types.insert(name.clone(), schema.clone());
        assert!(
            known.is_none_or(|known| known == schema),
            "{name} is read and written in different ways: name two types"
        );
    }
    for (name, schema) in envelope(&requests, &error, &event) {
        assert!(types.insert(name.to_owned(), schema).is_none(), "{name} is a type as well");
    }
    types.insert(
        "Methods".to_owned(),
        json!({
            "description": "What belongs to each method.", "type": "object", "properties": methods,
        }),
    );
    types.values_mut().for_each(unlink);
    types.sort_keys();
    let lines = ["Request", "Answer", "Notification"].map(|name| json!({ "$ref": format!("#/$defs/{name}") }));
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": format!("Keybearer's protocol, version {PROTOCOL}"),
        "description": "One line on a socket of Keybearer's agent.",
        "anyOf": lines,
        "$defs": types,
    })
}

/// What was found so far.
struct Found {
    read: SchemaGenerator,
    written: SchemaGenerator,
    methods: Map<String, Value>,
    requests: Vec<Value>,
}

impl Visitor for Found {
    fn method<M: Method>(&mut self)
    where
        M::Params: JsonSchema,
        M::Reply: JsonSchema,
    {
        let params = self.read.subschema_for::<M::Params>();
        let reply = self.written.subschema_for::<M::Reply>();
        let doors: Vec<&str> = M::DOORS.iter().map(|door| door.name()).collect();
        self.requests.push(json!({
            "if": { "properties": { "method": { "const": M::NAME } } },
            "then": { "properties": { "params": &params } },
        }));
        let both = json!({ "params": params, "reply": reply });
        self.methods.insert(
            M::NAME.to_owned(),
            json!({
                "description": format!("Doors: {}.", doors.join(", ")), "type": "object", "properties": both,
            }),
        );
    }
}

/// Takes the links of the code's own documentation out of descriptions.
fn unlink(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(text) if name == "description" => {
                        *text = text.replace("[`", "`").replace("`]", "`");
                    }
                    other => unlink(other),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(unlink),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The lines themselves.
fn envelope(requests: &[Value], error: &Schema, event: &Schema) -> Vec<(&'static str, Value)> {
    let codes: Vec<Value> =
        ErrorCode::ALL.iter().map(|code| json!({ "const": code.code(), "title": code.name() })).collect();
    let request = json!({
        "description": "A request.", "type": "object", "required": ["jsonrpc", "id", "method"],
        "properties": {
            "jsonrpc": { "const": "2.0" },
            "id": { "$ref": "#/$defs/Id" },
            "method": { "description": "One that the door names in `capabilities`.", "type": "string" },
            "params": { "description": "The parameters; absent means none.", "type": "object" },
            "session": { "description": "From the reply to `session.open`; that request alone lacks it.",
                "type": ["string", "null"] },
        },
        "allOf": requests,
    });
    let answer = json!({
        "description": "An answer: a reply or an error.", "type": "object", "required": ["jsonrpc", "id"],
        "properties": {
            "jsonrpc": { "const": "2.0" },
            "id": { "description": "The request's; null where that couldn't be read.",
                "anyOf": [{ "$ref": "#/$defs/Id" }, { "type": "null" }] },
            "result": { "description": "The reply of the method: see Methods.", "type": "object" },
            "error": error,
        },
        "oneOf": [{ "required": ["result"] }, { "required": ["error"] }],
    });
    let notification = json!({
        "description": "News, for whoever has subscribed to them.", "type": "object", "required": ["jsonrpc", "method", "params"],
        "properties": { "jsonrpc": { "const": "2.0" }, "id": false },
        "allOf": [event],
    });
    vec![
        ("Request", request),
        ("Answer", answer),
        ("Notification", notification),
        (
            "ErrorCode",
            json!({
                "description": "The codes of this version and their names; a later one may have more.", "oneOf": codes,
            }),
        ),
    ]
}
