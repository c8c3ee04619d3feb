//! One mail over SMTP, to a server whose address was judged.

use core::{net::IpAddr, time::Duration};
use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{Mailbox, header, header::ContentType},
    transport::smtp::{
        authentication::Credentials,
        client::{Tls, TlsParameters},
        extension::ClientId,
    },
};
use restic_manager_core::notify::{Mail, Security};

/// For one command of the conversation.
const COMMAND_TIME: Duration = Duration::from_secs(10);

/// Says to every program that answers mail that nobody reads the answer.
#[derive(Clone)]
struct AutoSubmitted;

impl header::Header for AutoSubmitted {
    fn name() -> header::HeaderName {
        header::HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn core::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> header::HeaderValue {
        header::HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// Sends a mail. The address is what the name led to when it was judged; the name is what the certificate must be for.
pub(super) async fn send(mail: &Mail, address: IpAddr) -> Result<(), String> {
    let parameters = || TlsParameters::new(mail.host.clone()).map_err(|error| format!("TLS failed: {error}"));
    let tls = match mail.security {
        Security::Tls => Tls::Wrapper(parameters()?),
        Security::StartTls => Tls::Required(parameters()?),
        Security::None => Tls::None,
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(address.to_string())
        .port(mail.port)
        .tls(tls)
        .timeout(Some(COMMAND_TIME))
        .hello_name(ClientId::Domain(domain(&mail.from).to_owned()));
    if let Some((user, password)) = &mail.login {
        builder = builder.credentials(Credentials::new(user.clone(), password.clone()));
    }
    let message = message(mail)?;
    builder.build().send(message).await.map(drop).map_err(|error| describe(&error))
}

fn message(mail: &Mail) -> Result<Message, String> {
    let mailbox = |text: &str| text.parse::<Mailbox>().map_err(|_| format!("{text} is not a mail address"));
    let mut builder = Message::builder()
        .from(mailbox(&mail.from)?)
        .subject(mail.subject.clone())
        .message_id(Some(format!("<{}>", mail.message_id)))
        .references(format!("<{}>", mail.thread_id))
        .in_reply_to(format!("<{}>", mail.thread_id))
        .header(AutoSubmitted)
        .header(ContentType::TEXT_PLAIN);
    for to in &mail.to {
        builder = builder.to(mailbox(to)?);
    }
    builder.body(mail.text.clone()).map_err(|error| format!("the mail cannot be written: {error}"))
}

fn domain(address: &str) -> &str {
    address.rsplit('@').next().unwrap_or("localhost")
}

/// The error with what is behind it: the server's own words are there.
fn describe(error: &dyn core::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}
