//! A notifier that this process is: it keeps what it was told, and answers what a test wants.

use restic_manager_server::{Message, Notifier, NotifierFuture, Outcome};
use restic_manager_testkit::patiently;
use std::{collections::VecDeque, sync::Mutex};
use tokio::sync::Notify;

/// What was told, and what is answered next; what is not said is taken.
#[derive(Default)]
pub(crate) struct Heard {
    messages: Mutex<VecDeque<Message>>,
    pub(crate) answers: Mutex<VecDeque<Outcome>>,
    told: Notify,
}

impl Heard {
    /// The next message; waits for it.
    pub(crate) async fn next(&self) -> Message {
        patiently(async {
            loop {
                if let Some(message) = self.messages.lock().unwrap().pop_front() {
                    return message;
                }
                self.told.notified().await;
            }
        })
        .await
    }

    /// What was told and not looked at.
    pub(crate) fn waiting(&self) -> usize {
        self.messages.lock().unwrap().len()
    }

    /// What is answered next.
    pub(crate) fn answers(&self, outcomes: impl IntoIterator<Item = Outcome>) {
        self.answers.lock().unwrap().extend(outcomes);
    }
}

impl Notifier for Heard {
    fn notify<'a>(&'a self, message: &'a Message) -> NotifierFuture<'a> {
        Box::pin(async move {
            self.messages.lock().unwrap().push_back(message.clone());
            self.told.notify_one();
            self.answers.lock().unwrap().pop_front().unwrap_or(Outcome::Delivered)
        })
    }
}
