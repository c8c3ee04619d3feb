//! From text to the typed parts of a request. Unknown and wrong-typed fields are refused by name.

use bytes::Bytes;
use core::any::TypeId;
use restic_manager_proto::api::{Code, Endpoint, FieldProblem, Nothing, Problem};
use serde::de::DeserializeOwned;

use crate::failure::Failure;

/// Names and values of a path's parameters.
pub(crate) type PathParameters = Vec<(String, String)>;

/// The undecoded parts of a request, read under limits.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    pub(crate) path: PathParameters,
    pub(crate) query: String,
    /// `None` when the request has no JSON body.
    pub(crate) body: Option<Bytes>,
    pub(crate) if_match: Option<i64>,
    pub(crate) takes_gzip: bool,
}

/// The decoded parts of a request.
pub(crate) struct Request<E: Endpoint> {
    pub(crate) path: E::Path,
    pub(crate) query: E::Query,
    pub(crate) body: E::Body,
    /// The version that the caller wants to change, where the endpoint asks for it; else 0.
    pub(crate) expected: i64,
    /// Whether the caller reads answers that are packed with gzip.
    pub(crate) takes_gzip: bool,
}

impl Input {
    pub(crate) fn decode<E: Endpoint>(self) -> Result<Request<E>, Failure> {
        let expected = match self.if_match {
            Some(version) if E::CONDITIONAL => version,
            None if E::CONDITIONAL => return Err(precondition_required()),
            _ => 0,
        };
        Ok(Request {
            path: path(&self.path)?,
            query: query(&self.query)?,
            body: body(self.body.as_deref())?,
            expected,
            takes_gzip: self.takes_gzip,
        })
    }
}

/// A path whose parameters cannot be read names nothing.
fn path<T: DeserializeOwned>(parameters: &[(String, String)]) -> Result<T, Failure> {
    let pairs = parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let map = serde::de::value::MapDeserializer::<_, serde::de::value::Error>::new(pairs);
    serde_path_to_error::deserialize(map).map_err(|error| {
        let name = error.path().to_string();
        Failure::new(Code::NotFound, format!("{name} in the path is {}", error.inner()), "check the address")
    })
}

fn query<T: DeserializeOwned>(text: &str) -> Result<T, Failure> {
    // `?limit=` means the same as leaving it out.
    let pairs = text.split('&').filter(|pair| !pair.is_empty() && !pair.ends_with('='));
    let text = pairs.collect::<Vec<_>>().join("&");
    let parameters = serde_html_form::Deserializer::from_bytes(text.as_bytes());
    serde_path_to_error::deserialize(parameters)
        .map_err(|error| refused_field("query", &error.path().to_string(), &error.inner().to_string()))
}

/// Where an endpoint has a body, leaving it out is no way of saying that all of it is left out.
fn body<T: DeserializeOwned + 'static>(bytes: Option<&[u8]>) -> Result<T, Failure> {
    let has_none = TypeId::of::<T>() == TypeId::of::<Nothing>();
    let bytes = match bytes {
        Some(bytes) => bytes,
        None if has_none => b"{}",
        None => return Err(missing_body()),
    };
    // serde would also read the fields from an array, by their order, which nobody promises.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(malformed("it does not start with `{`"));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value: T = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        use serde_json::error::Category;
        let text = error.inner().to_string();
        match error.inner().classify() {
            Category::Data => refused_field("body", &error.path().to_string(), &text),
            Category::Syntax | Category::Eof | Category::Io => malformed(&text),
        }
    })?;
    json.end().map_err(|error| malformed(&error.to_string()))?;
    Ok(value)
}

fn missing_body() -> Failure {
    Failure::new(
        Code::Invalid,
        "a body is missing",
        "send a JSON object, {} when nothing is to be said in it",
    )
}

fn malformed(text: &str) -> Failure {
    Failure::new(Code::Malformed, format!("the body is not a JSON object: {text}"), "send one JSON object")
}

/// serde names an unknown or missing field in its text only.
fn refused_field(part: &str, path: &str, text: &str) -> Failure {
    let quoted = text.split('`').nth(1);
    let named = text.starts_with("unknown field") || text.starts_with("missing field");
    let field = match (path, quoted) {
        (".", Some(name)) if named => name.to_owned(),
        (".", _) => part.to_owned(),
        (path, Some(name)) if named && path != name && !path.ends_with(&format!(".{name}")) => {
            format!("{path}.{name}")
        }
        (path, _) => path.to_owned(),
    };
    let detail = format!("{field}: {text}");
    let mut problem = Problem::new(Code::Invalid, detail, "correct the field and send it again");
    problem.fields.push(FieldProblem { field, message: text.to_owned() });
    Failure::Refused(Box::new(problem))
}

fn precondition_required() -> Failure {
    Failure::new(
        Code::PreconditionRequired,
        "the request does not say which version it changes",
        "read the resource, and send its ETag as If-Match",
    )
}
