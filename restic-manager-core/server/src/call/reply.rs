//! What a use case answers with, before it is HTTP.

use bytes::Bytes;
use futures_util::{FutureExt as _, future::BoxFuture};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use restic_manager_crypto::Token;
use restic_manager_proto::api::Answer;
use serde::Serialize;

use super::{body::Body, socket::Socket};
use crate::failure::Failure;

/// The answer of a use case: a value, a download or a socket, and what goes with it.
pub(crate) struct Reply<T> {
    content: Content<T>,
    version: Option<i64>,
    session: Option<SessionChange>,
    headers: HeaderMap,
}

enum Content<T> {
    Value(T),
    Download(Download),
    Socket(Driver),
}

/// A file.
pub(crate) struct Download {
    pub(crate) content_type: &'static str,
    /// The name under which a browser saves it; `None` shows it instead.
    pub(crate) file_name: Option<String>,
    pub(crate) payload: Payload,
}

/// The bytes of an answer.
pub(crate) enum Payload {
    Bytes(Bytes),
    Stream(Body),
}

/// What a login or logout does to the browser's cookie.
pub(crate) enum SessionChange {
    Begin(Token),
    End,
}

/// What drives a socket once it is open.
pub(crate) type Driver = Box<dyn FnOnce(Socket) -> BoxFuture<'static, ()> + Send>;

impl<T> From<T> for Reply<T> {
    fn from(value: T) -> Self {
        Self::of(Content::Value(value))
    }
}

impl<T> Reply<T> {
    /// A value with the version of its configuration, which becomes its `ETag`.
    pub(crate) fn versioned(value: T, version: i64) -> Self {
        Self { version: Some(version), ..Self::from(value) }
    }

    /// A file.
    pub(crate) fn download(download: Download) -> Self {
        Self::of(Content::Download(download))
    }

    /// A WebSocket. `drive` runs detached; it has to end soon after the server's soft stop.
    pub(crate) fn socket<F>(drive: impl FnOnce(Socket) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::of(Content::Socket(Box::new(move |socket| drive(socket).boxed())))
    }

    /// The same answer, with what it does to the browser's cookie.
    pub(crate) fn with_session(mut self, change: SessionChange) -> Self {
        self.session = Some(change);
        self
    }

    /// The same answer, with a header more.
    pub(crate) fn with_header(mut self, name: header::HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    fn of(content: Content<T>) -> Self {
        Self { content, version: None, session: None, headers: HeaderMap::new() }
    }
}

/// An answer that is HTTP but for its socket and its cookie.
pub(crate) struct Rendered {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) session: Option<SessionChange>,
    pub(crate) content: RenderedContent,
}

pub(crate) enum RenderedContent {
    Payload(Payload),
    Socket(Driver),
}

impl<T: Serialize> Reply<T> {
    pub(crate) fn render(self, status: StatusCode, answer: Answer) -> Result<Rendered, Failure> {
        let mut headers = self.headers;
        if let Some(version) = self.version {
            headers.insert(header::ETAG, etag(version));
        }
        let content = match self.content {
            Content::Value(_) if answer == Answer::Empty => {
                RenderedContent::Payload(Payload::Bytes(Bytes::new()))
            }
            Content::Value(value) => {
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
                let json = serde_json::to_vec(&value)
                    .map_err(|error| Failure::internal("could not write an answer as JSON", error))?;
                RenderedContent::Payload(Payload::Bytes(json.into()))
            }
            Content::Download(download) => {
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(download.content_type));
                if let Some(name) = &download.file_name {
                    headers.insert(header::CONTENT_DISPOSITION, attachment(name)?);
                }
                RenderedContent::Payload(download.payload)
            }
            Content::Socket(driver) => RenderedContent::Socket(driver),
        };
        Ok(Rendered { status, headers, session: self.session, content })
    }
}

/// A version as an entity tag.
fn etag(version: i64) -> HeaderValue {
    let text = format!("\"{version}\"");
    HeaderValue::try_from(text).expect("a number between quotes is a header value")
}

fn attachment(name: &str) -> Result<HeaderValue, Failure> {
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let name: String = name.chars().map(|c| if safe(c) { c } else { '_' }).collect();
    HeaderValue::try_from(format!("attachment; filename=\"{name}\""))
        .map_err(|error| Failure::internal("could not name a download", error))
}
