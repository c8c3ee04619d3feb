//! The seam for programs that embed the server and tell people by means of their own.

use core::{future::Future, pin::Pin};
use restic_manager_core::notify::{Message, Outcome};

/// The future of [`Notifier::notify`].
pub type NotifierFuture<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// Takes notifications of channels of the kind `custom`, under the name that it was
/// [registered](crate::Builder::notifier) with.
pub trait Notifier: Send + Sync {
    /// Tells somebody. A message may come again with the same id, when the server stopped before it knew the outcome. After
    /// 15 seconds the future is dropped and the attempt has failed.
    fn notify<'a>(&'a self, message: &'a Message) -> NotifierFuture<'a>;
}
