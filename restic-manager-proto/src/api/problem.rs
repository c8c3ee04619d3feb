//! What a refused request answers (RFC 9457).

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $status:literal, $title:literal;)*) => {
        /// Why a request was refused: a stable word for programs.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
            /// A word of a newer server.
            #[serde(other)]
            Unknown,
        }

        impl Code {
            /// Every code that this build answers with.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The word.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* Self::Unknown => "unknown" }
            }

            /// The HTTP status it goes with.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* Self::Unknown => 500 }
            }

            /// One short sentence, the same for each occurrence.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* Self::Unknown => "Unknown problem" }
            }
        }
    };
}

codes! {
    /// The request cannot be read.
    Malformed = "malformed", 400, "The request cannot be read";
    /// The caller has not signed in.
    Unauthenticated = "unauthenticated", 401, "Sign in first";
    /// Name, password or token is wrong.
    BadCredentials = "bad-credentials", 401, "Name or password is wrong";
    /// The password is right, and the account has a second factor.
    SecondFactorNeeded = "second-factor-needed", 401, "One more step";
    /// The caller's role does not allow it.
    Forbidden = "forbidden", 403, "Your role does not allow this";
    /// What is asked needs a proof of identity from the last ten minutes.
    ProofNeeded = "proof-needed", 403, "Confirm that it is you";
    /// The request does not prove that it comes from our own pages.
    CrossSite = "cross-site", 403, "The request did not come from this site";
    /// There is no such thing, or the caller may not see it.
    NotFound = "not-found", 404, "Not found";
    /// The path exists, but not with this method.
    MethodNotAllowed = "method-not-allowed", 405, "Not with this method";
    /// The request did not arrive in time.
    RequestTimeout = "request-timeout", 408, "It did not arrive in time";
    /// It contradicts what is there.
    Conflict = "conflict", 409, "It conflicts with what is there";
    /// Somebody changed it in the meantime.
    Stale = "stale", 412, "Somebody changed it in the meantime";
    /// The body is longer than this route allows.
    TooLarge = "too-large", 413, "The request is too large";
    /// The body is not of a type that this route reads.
    UnsupportedMediaType = "unsupported-media-type", 415, "Send JSON";
    /// A field has a value that cannot be.
    Invalid = "invalid", 422, "A field has a value that cannot be";
    /// `If-Match` is missing.
    PreconditionRequired = "precondition-required", 428, "Say which version you are changing";
    /// Too many requests.
    TooManyRequests = "too-many-requests", 429, "Too many requests";
    /// Something failed on this side.
    Internal = "internal", 500, "Something failed in the server";
    /// It will work again by itself.
    Unavailable = "unavailable", 503, "Not available now";
    /// It took too long.
    Timeout = "timeout", 504, "It took too long";
}

/// One field that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "complete: a field and what is wrong with it")]
pub struct FieldProblem {
    /// The field's name; parts of a path are joined by dots.
    pub field: String,
    /// What is wrong with it, and an example of what would be right.
    pub message: String,
}

/// Why a request was refused and what to do next: the body of every answer from 400 on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Problem {
    /// Always `about:blank`: the code tells the kind.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// The code's own sentence.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// A stable word for programs.
    pub code: Code,
    /// What is wrong this time.
    #[serde(default)]
    pub detail: String,
    /// What to do about it.
    #[serde(default)]
    pub next_step: String,
    /// The fields that were refused.
    #[serde(default)]
    pub fields: Vec<FieldProblem>,
    /// The request, to be found in the server's log.
    #[serde(default)]
    pub request_id: Option<crate::RequestId>,
    /// With `second-factor-needed`: what is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_step: Option<Box<super::session::MissingStep>>,
}

impl Problem {
    /// A problem with its particular detail and the next step.
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>, next_step: impl Into<String>) -> Self {
        Self {
            kind: "about:blank".to_owned(),
            title: code.title().to_owned(),
            status: code.status(),
            code,
            detail: detail.into(),
            next_step: next_step.into(),
            fields: Vec::new(),
            request_id: None,
            missing_step: None,
        }
    }

    /// The same problem with one more refused field.
    #[must_use]
    pub fn with_field(mut self, field: impl Into<String>, message: impl Into<String>) -> Self {
        self.fields.push(FieldProblem { field: field.into(), message: message.into() });
        self
    }
}
