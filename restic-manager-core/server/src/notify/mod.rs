//! Sends notifications: the only place where the server opens connections of its own accord. Every one is judged by the
//! address that it leads to, and pinned to it.

mod connect;
mod courier;
mod http;
mod mail;
mod notifier;
mod resolve;
mod trust;

pub(crate) use courier::Courier;
pub use notifier::{Notifier, NotifierFuture};

#[cfg(test)]
mod tests;
