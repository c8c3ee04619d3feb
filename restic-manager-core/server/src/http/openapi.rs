//! The OpenAPI document: the table of routes, told to programs.

use bytes::Bytes;
use restic_manager_proto::{
    api::{Answer, Method, Problem},
    vocabulary::Role,
};
use schemars::{Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::{
    route::{Access, Audited, ProofAge, Route, Schemas},
    routes::ROUTES,
};

/// The document of the table.
pub(crate) fn openapi_document() -> Bytes {
    document(ROUTES).to_string().into()
}

/// The document, in version 3.1.
fn document(routes: &[Route]) -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.meta_schema = None;
    settings.definitions_path = "/components/schemas".into();
    let mut generator = settings.into_generator();
    let problem = generator.subschema_for::<Problem>();
    let mut paths = Map::new();
    for route in routes {
        let operations = paths.entry(route.path).or_insert_with(|| json!({}));
        operations[route.method.as_str().to_ascii_lowercase()] = operation(route, &mut generator, &problem);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "restic-manager",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Bodies refuse unknown fields; answers may grow. Lists are pages with an opaque cursor. \
                Changing a resource that has a version needs If-Match with its ETag. A POST with an Idempotency-Key \
                can be repeated without harm.",
            "license": { "name": "PolyForm Noncommercial 1.0.0", "url": "https://polyformproject.org/licenses/noncommercial/1.0.0" },
        },
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API token. It needs no X-CSRF-Token.",
                },
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "__Host-rm_session",
                    "description": "Set by POST /api/v1/session. Changing requests also need the X-CSRF-Token that it answers with.",
                },
            },
        },
    })
}

fn operation(route: &Route, generator: &mut SchemaGenerator, problem: &Schema) -> Value {
    let schemas = (route.schemas)(generator);
    let mut operation = json!({
        "operationId": route.name,
        "summary": route.summary.trim(),
        "description": description(route),
        "parameters": parameters(route, &schemas),
        "responses": {
            (route.status.to_string()): success(route, &schemas.response),
            "default": {
                "description": "It was refused; the code says why, the next step what to do.",
                "content": { "application/problem+json": { "schema": problem } },
            },
        },
        "security": [],
    });
    if matches!(route.access, Access::Role(_) | Access::Person) {
        let token = matches!(route.access, Access::Role(_)).then(|| json!({ "token": [] }));
        operation["security"] = [json!({ "session": [] })].into_iter().chain(token).collect();
    }
    if takes_body(route, &schemas.body) {
        operation["requestBody"] =
            json!({ "required": true, "content": { "application/json": { "schema": schemas.body } } });
    }
    operation
}

/// Who may call it and what it leaves behind, in words.
fn description(route: &Route) -> String {
    let access = match route.access {
        Access::Public => "Anybody may call this.".to_owned(),
        Access::Agent => "For agents, who prove themselves in the first messages.".to_owned(),
        Access::Scraper => "For monitoring systems: needs the token for metrics, or a trusted network; absent where neither is configured."
            .to_owned(),
        Access::Person => "Needs a person in a session: no API token will do.".to_owned(),
        Access::Role(Role::Viewer) => "Needs a signed-in caller.".to_owned(),
        Access::Role(role) => format!("Needs the role {role}."),
    };
    let access = match route.proof {
        ProofAge::Session => access,
        ProofAge::Recent => format!("{access} Asks for a proof of identity from the last ten minutes."),
    };
    match route.audited {
        Audited::As(action) => format!("{access} Audited as {action}."),
        Audited::No(_) => access,
    }
}

fn parameters(route: &Route, schemas: &Schemas) -> Vec<Value> {
    let mut parameters = fields(&schemas.path, "path");
    parameters.extend(fields(&schemas.query, "query"));
    let mut header = |name: &str, required: bool, description: &str| {
        parameters.push(json!({
            "name": name, "in": "header", "required": required, "description": description,
            "schema": { "type": "string" },
        }));
    };
    if route.conditional {
        header("If-Match", true, "The ETag of what is changed.");
    }
    if route.method == Method::Post && matches!(route.access, Access::Role(_) | Access::Person) {
        header("Idempotency-Key", false, "A random id: the same request with the same key is done once.");
    }
    if !route.method.is_safe() && matches!(route.access, Access::Role(_) | Access::Person) {
        header("X-CSRF-Token", false, "What signing in answered with; needed with the cookie.");
    }
    parameters
}

fn fields(schema: &Schema, place: &str) -> Vec<Value> {
    let properties = schema.get("properties").and_then(Value::as_object);
    let required = schema.get("required").and_then(Value::as_array);
    let is_required = |name: &str| required.is_some_and(|list| list.iter().any(|one| one == name));
    properties
        .into_iter()
        .flatten()
        .map(|(name, property)| {
            let mut property = without_null(property.clone());
            let description = property.as_object_mut().and_then(|object| object.remove("description"));
            json!({
                "name": name, "in": place, "required": place == "path" || is_required(name),
                "description": description.unwrap_or_default(), "schema": property,
            })
        })
        .collect()
}

/// A parameter is there or not; it is never null, as the field behind it may be.
fn without_null(mut property: Value) -> Value {
    let Some(object) = property.as_object_mut() else { return property };
    object.remove("default");
    let types = object.get("type").and_then(Value::as_array);
    let named = types.and_then(|types| types.iter().find(|one| *one != "null")).cloned();
    let kinds = object.get("anyOf").and_then(Value::as_array);
    let only = kinds.and_then(|kinds| kinds.iter().find(|one| one["type"] != "null")).cloned();
    if let Some(named) = named {
        object.insert("type".to_owned(), named);
    }
    if let Some(Value::Object(only)) = only {
        object.remove("anyOf");
        object.extend(only);
    }
    property
}

fn success(route: &Route, response: &Schema) -> Value {
    let mut answer = json!({ "description": match route.answer {
        Answer::WebSocket => "A WebSocket; the schema is that of each message the server sends.",
        Answer::Download => "The download.",
        _ => "Done.",
    }});
    match route.answer {
        Answer::Json => answer["content"] = json!({ "application/json": { "schema": response } }),
        Answer::WebSocket => answer["content"] = json!({ "application/json": { "schema": response } }),
        Answer::Download => answer["content"] = json!({ "*/*": {} }),
        _ => {}
    }
    answer
}

/// An endpoint without a body has the schema of nothing.
fn takes_body(route: &Route, body: &Schema) -> bool {
    let nothing = body.get("$ref").and_then(Value::as_str).is_some_and(|name| name.ends_with("/Nothing"));
    !route.method.is_safe() && !nothing
}
