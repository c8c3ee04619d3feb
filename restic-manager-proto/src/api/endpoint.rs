//! What an endpoint is.

use core::fmt;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// An HTTP method that the API uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "HTTP gets no further methods")]
pub enum Method {
    /// Reads.
    Get,
    /// Creates, or starts something.
    Post,
    /// Replaces.
    Put,
    /// Removes.
    Delete,
}

impl Method {
    /// The method as HTTP writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }

    /// Whether a request with this method only reads.
    #[must_use]
    pub const fn is_safe(self) -> bool {
        matches!(self, Self::Get)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the body of an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// JSON of the endpoint's `Response`.
    Json,
    /// No body.
    Empty,
    /// A download in one of several forms.
    Download,
    /// A WebSocket on which the server sends JSON of the endpoint's `Response`, one message per frame.
    WebSocket,
}

/// No parameters, no body, no answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "it stands for the absence of everything")]
pub struct Nothing {}

/// One operation of the API. Implemented by the marker types of this module's children.
pub trait Endpoint: Send + Sync + 'static {
    /// Unique name, also the OpenAPI operation id.
    const NAME: &'static str;
    /// One sentence.
    const SUMMARY: &'static str;
    /// How it is called.
    const METHOD: Method;
    /// Where; names in braces are the fields of `Path`.
    const PATH: &'static str;
    /// Status of success.
    const STATUS: u16;
    /// What the answer is.
    const ANSWER: Answer;
    /// Whether `If-Match` with the resource's version is required.
    const CONDITIONAL: bool;

    /// Fields of the path.
    type Path: Parameters;
    /// Fields of the query.
    type Query: Parameters;
    /// The JSON body of the request; [`Nothing`] when it has none.
    type Body: Parameters;
    /// The JSON of the answer.
    type Response: Reply;
}

/// What a request carries.
pub trait Parameters: Serialize + DeserializeOwned + Send + fmt::Debug + 'static {}
impl<T: Serialize + DeserializeOwned + Send + fmt::Debug + 'static> Parameters for T {}

/// What an answer carries.
pub trait Reply: Serialize + DeserializeOwned + Send + fmt::Debug + 'static {}
impl<T: Serialize + DeserializeOwned + Send + fmt::Debug + 'static> Reply for T {}

/// Declares endpoints: `Name = "id": METHOD "path" => status answer, conditional?, { path, query, body, response }`.
macro_rules! endpoints {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident($id:literal): $method:ident $path:literal => $status:literal $answer:ident $($conditional:ident)?
        { $($field:ident: $type:ty),* $(,)? }
    )*) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, Default)]
        #[expect(clippy::exhaustive_structs, reason = "a marker")]
        pub struct $name;

        impl $crate::api::Endpoint for $name {
            const NAME: &'static str = $id;
            const SUMMARY: &'static str = $crate::api::endpoints!(@first $($doc),+);
            const METHOD: $crate::api::Method = $crate::api::Method::$method;
            const PATH: &'static str = $path;
            const STATUS: u16 = $status;
            const ANSWER: $crate::api::Answer = $crate::api::Answer::$answer;
            const CONDITIONAL: bool = $crate::api::endpoints!(@conditional $($conditional)?);
            type Path = $crate::api::endpoints!(@field path $($field: $type),*);
            type Query = $crate::api::endpoints!(@field query $($field: $type),*);
            type Body = $crate::api::endpoints!(@field body $($field: $type),*);
            type Response = $crate::api::endpoints!(@field response $($field: $type),*);
        }
    )*};
    (@first $doc:literal $(, $more:literal)*) => { $doc };
    (@conditional) => { false };
    (@conditional conditional) => { true };
    (@field path path: $type:ty $(, $($rest:tt)*)?) => { $type };
    (@field query query: $type:ty $(, $($rest:tt)*)?) => { $type };
    (@field body body: $type:ty $(, $($rest:tt)*)?) => { $type };
    (@field response response: $type:ty $(, $($rest:tt)*)?) => { $type };
    (@field $wanted:ident $other:ident: $type:ty $(, $($rest:tt)*)?) => {
        $crate::api::endpoints!(@field $wanted $($($rest)*)?)
    };
    (@field $wanted:ident) => { $crate::api::Nothing };
}
pub(crate) use endpoints;
