//! Takes a notification to the other end, and tells what became of it.

use core::time::Duration;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use restic_manager_core::notify::{
    HttpRequest, Mail, Message, Outcome, Outgoing, Security, Target, Values, judge, prepare, without_secrets,
};
use restic_manager_proto::{Timestamp, limits::cut, vocabulary::ChannelKind};
use std::{collections::BTreeMap, sync::Arc};
use tokio::time::timeout;

use super::{
    connect::{Secrecy, connect, judged},
    http, mail,
    notifier::Notifier,
    resolve::{Resolve, System},
};

/// For a whole attempt, from the name to the end of the answer.
const ATTEMPT_TIME: Duration = Duration::from_secs(15);
/// The longest account of an attempt, in bytes.
const ACCOUNT: usize = 500;

/// Every network.
fn anywhere() -> [IpNet; 2] {
    [IpNet::V4(Ipv4Net::default()), IpNet::V6(Ipv6Net::default())]
}

/// Takes notifications out of the house.
pub(crate) struct Courier {
    allowed: Vec<IpNet>,
    notifiers: BTreeMap<String, Arc<dyn Notifier>>,
    resolver: Box<dyn Resolve>,
}

impl Courier {
    /// One that speaks to public addresses and to those of the allowed networks.
    pub(crate) fn new(allowed: Vec<IpNet>, notifiers: BTreeMap<String, Arc<dyn Notifier>>) -> Self {
        Self { allowed, notifiers, resolver: Box::new(System) }
    }

    #[cfg(test)]
    pub(super) fn with_resolver(self, resolver: impl Resolve + 'static) -> Self {
        Self { resolver: Box::new(resolver), ..self }
    }

    /// Whether the program around this server registered a notifier of a name.
    pub(crate) fn has_notifier(&self, name: &str) -> bool {
        self.notifiers.contains_key(name)
    }

    /// Makes one attempt. What is told of it holds no secret of the channel.
    pub(crate) async fn send(
        &self,
        kind: ChannelKind,
        values: &Values<'_>,
        message: &Message,
        now: Timestamp,
    ) -> Outcome {
        let outcome = match prepare(kind, values, message, now) {
            Ok(outgoing) => {
                timeout(ATTEMPT_TIME, self.attempt(kind, &outgoing, message)).await.unwrap_or_else(|_| {
                    Outcome::again(format!("it was not done within {} seconds", ATTEMPT_TIME.as_secs()))
                })
            }
            Err(unfit) => Outcome::again(unfit.to_string()),
        };
        let told = |why: String| {
            let secrets = values.secrets.values().map(|secret| secret.expose());
            cut(&without_secrets(&why, secrets), ACCOUNT)
        };
        match outcome {
            Outcome::Delivered => Outcome::Delivered,
            Outcome::Again { why, after } => Outcome::Again { why: told(why), after },
            Outcome::Gone { why } => Outcome::Gone { why: told(why) },
        }
    }

    /// Asks for what is at an address that the operator set in the server's own settings, which may lead anywhere, also
    /// without encryption. What is told of a failure does not hold path and query, which may be secrets.
    pub(crate) async fn ask(&self, target: &Target) -> Result<u16, String> {
        let request =
            HttpRequest { method: "GET", target: target.clone(), headers: Vec::new(), body: String::new() };
        let answer = timeout(ATTEMPT_TIME, self.request(&request, &anywhere())).await;
        let late = || format!("it did not answer within {} seconds", ATTEMPT_TIME.as_secs());
        Ok(answer.map_err(|_| late())??.status)
    }

    async fn attempt(&self, kind: ChannelKind, outgoing: &Outgoing, message: &Message) -> Outcome {
        match outgoing {
            Outgoing::Http(request) => match self.request(request, &self.allowed).await {
                Ok(answer) => judge(kind, answer.status, answer.retry_after.as_deref(), &answer.body),
                Err(why) => Outcome::again(why),
            },
            Outgoing::Mail(mail) => {
                self.mail(mail).await.map_or_else(Outcome::again, |()| Outcome::Delivered)
            }
            Outgoing::Custom(name) => match self.notifiers.get(name) {
                Some(notifier) => notifier.notify(message).await,
                None => Outcome::again(format!("no notifier is registered as {name}")),
            },
        }
    }

    async fn request(&self, request: &HttpRequest, allowed: &[IpNet]) -> Result<http::Answer, String> {
        let target = &request.target;
        let secrecy = if target.is_https { Secrecy::Encrypted } else { Secrecy::Plain };
        let addresses = judged(&*self.resolver, allowed, &target.host, secrecy).await?;
        http::send(request, connect(&addresses, target.port).await?).await
    }

    async fn mail(&self, mail: &Mail) -> Result<(), String> {
        let secrecy = if mail.security == Security::None { Secrecy::Plain } else { Secrecy::Encrypted };
        let addresses = judged(&*self.resolver, &self.allowed, &mail.host, secrecy).await?;
        let address = addresses.first().ok_or("the name has no address")?;
        mail::send(mail, *address).await
    }
}
