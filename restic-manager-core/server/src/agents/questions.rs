//! Questions to one agent: from the use case that asks to the wire, and the answers back.

use restic_manager_core::handshake::question_secrets_context;
use restic_manager_crypto::ChannelContext;
use restic_manager_proto::{
    Opaque, QuestionId,
    agent::{Answer, AnswerPart, Ask, ErrorCode, Gate, RepositoryOrder},
    vocabulary::CredentialSlot,
};
use restic_manager_store::{Error, hosts::Host};
use std::collections::HashMap;
use tokio::sync::mpsc;

use crate::{
    domain::secrets::{Unfit, missing, secrets},
    parts::{Parts, hub::NewQuestion},
};

/// The questions that one agent is to answer.
#[derive(Debug, Default)]
pub(super) struct Questions(HashMap<QuestionId, Open>);

#[derive(Debug)]
struct Open {
    gate: Gate,
    parts: mpsc::Sender<AnswerPart>,
}

/// What becomes of a part of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It was handed on, or nobody waits for it.
    Fine,
    /// The one that asked is gone: the agent is told so.
    Unwanted,
    /// It came without room for it.
    Overrun,
}

impl Questions {
    /// Notes a question that leaves.
    pub(super) fn open(&mut self, id: QuestionId, parts: mpsc::Sender<AnswerPart>) {
        self.0.insert(id, Open { gate: Gate::new(), parts });
    }

    /// Hands a part on.
    pub(super) fn take(&mut self, Answer { question, part }: Answer) -> Taken {
        // What was stopped may still be on its way.
        let Some(open) = self.0.get_mut(&question) else { return Taken::Fine };
        if !open.gate.enter() {
            return Taken::Overrun;
        }
        let is_last = part.is_last();
        let handed = open.parts.try_send(part);
        if is_last || handed.is_err() {
            self.0.remove(&question);
        }
        if handed.is_err() && !is_last { Taken::Unwanted } else { Taken::Fine }
    }

    /// The one that asked has taken parts; `false` when the question is over.
    pub(super) fn grant(&mut self, id: QuestionId, parts: u32) -> bool {
        let Some(open) = self.0.get_mut(&id) else { return false };
        open.gate.grant(parts);
        true
    }

    /// Nobody waits for an answer any more; `false` when the question is over.
    pub(super) fn close(&mut self, id: QuestionId) -> bool {
        self.0.remove(&id).is_some()
    }

    /// The agent does not answer a question.
    pub(super) fn refuse(&mut self, id: QuestionId, code: ErrorCode, message: String) {
        if let Some(open) = self.0.remove(&id) {
            // It fails when nobody waits any more.
            let _ = open.parts.try_send(AnswerPart::Failed { code, message });
        }
    }
}

/// A question as the agent is sent it, with the secrets that its restic needs; else why it cannot be asked.
pub(super) async fn write(
    parts: &Parts,
    host: &Host,
    asked: &NewQuestion,
    seal: impl Fn(&ChannelContext, &[u8]) -> Vec<u8>,
) -> Result<Result<Ask, Unfit>, Error> {
    let id = asked.repository;
    let mut read = parts.store.read().await?;
    let repository = read.repositories().find(id).await?.filter(|repository| repository.deleted.is_none());
    let Some(repository) = repository else { return Ok(Err(missing("the repository was removed"))) };
    let Some(attachment) = read.attachments().find(host.id, id).await? else {
        return Ok(Err(missing("the host is not attached to the repository")));
    };
    let credential = read.repositories().credential(id, CredentialSlot::Everyday).await?;
    let plain = match secrets(parts, &repository, credential.as_ref()) {
        Ok(plain) => plain,
        Err(unfit) => return Ok(Err(unfit)),
    };
    let sealed = Opaque::new(seal(&question_secrets_context(asked.id), plain.expose()));
    let location = attachment.location.unwrap_or(repository.location);
    let order = RepositoryOrder::new(id, location, false, sealed);
    Ok(Ok(Ask::new(asked.id, order, asked.question.clone())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use restic_manager_proto::limits::ANSWER_PARTS;

    const ID: QuestionId = QuestionId::from_bytes([1; 16]);

    fn part() -> Answer {
        Answer { question: ID, part: AnswerPart::Working { entries: 1 } }
    }

    #[test]
    fn an_agent_that_sends_without_room_is_noticed() {
        let (sender, mut receiver) = mpsc::channel(ANSWER_PARTS);
        let mut questions = Questions::default();
        questions.open(ID, sender);
        for _ in 0..ANSWER_PARTS {
            assert_eq!(questions.take(part()), Taken::Fine);
        }
        assert_eq!(questions.take(part()), Taken::Overrun);
        receiver.try_recv().expect("a part");
        assert!(questions.grant(ID, 1));
        assert_eq!((questions.take(part()), questions.take(part())), (Taken::Fine, Taken::Overrun));
    }

    #[test]
    fn what_nobody_waits_for_is_stopped_once() {
        let (sender, receiver) = mpsc::channel(ANSWER_PARTS);
        let mut questions = Questions::default();
        questions.open(ID, sender);
        drop(receiver);
        assert_eq!((questions.take(part()), questions.take(part())), (Taken::Unwanted, Taken::Fine));
        assert!(!questions.close(ID) && !questions.grant(ID, 1));
    }
}
