//! What is sent, before any connection is opened.

use core::fmt;

use super::target::Target;

/// A notification in the form that its channel wants.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "whoever sends must know every form")]
pub enum Outgoing {
    /// A request over HTTP.
    Http(HttpRequest),
    /// A mail.
    Mail(Mail),
    /// What the embedding program registered under this name takes the message as it is.
    Custom(String),
}

/// A request over HTTP. `Debug` shows method and host alone: everything else may hold a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// The method.
    pub method: &'static str,
    /// Where.
    pub target: Target,
    /// Headers besides `Host` and `Content-Length`.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
}

/// How a connection to a mail server is kept secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "whoever sends must know every way")]
pub enum Security {
    /// TLS from the first byte on, usually port 465.
    Tls,
    /// TLS after STARTTLS, and nothing without it, usually port 587.
    StartTls,
    /// None. It is for servers of allowed networks alone.
    None,
}

/// A mail, and the server that takes it. `Debug` shows the server alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// The server's name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is kept secret.
    pub security: Security,
    /// User and password, where the server wants them.
    pub login: Option<(String, String)>,
    /// The sender.
    pub from: String,
    /// Who gets it.
    pub to: Vec<String>,
    /// Its subject, one line.
    pub subject: String,
    /// Its text.
    pub text: String,
    /// Its own id, the same over all attempts, without angle brackets.
    pub message_id: String,
    /// The id of the conversation that it belongs to, without angle brackets.
    pub thread_id: String,
}

impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpRequest({} {:?})", self.method, self.target)
    }
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mail({}:{}, {:?})", self.host, self.port, self.security)
    }
}
