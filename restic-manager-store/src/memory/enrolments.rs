use async_trait::async_trait;
use restic_manager_proto::{EnrolmentId, HostId, Scope, Timestamp, vocabulary::EnrolmentState};
use std::sync::Arc;

use super::tables::{Tables, page, remove, row};
use crate::{
    Error, ErrorKind, Page, PageRequest, TokenHash,
    enrolments::{Enrolment, EnrolmentQueries, Enrolments},
};

#[async_trait]
impl EnrolmentQueries for Tables {
    async fn find(&mut self, id: EnrolmentId) -> Result<Option<Enrolment>, Error> {
        Ok(self.enrolments.get(&id).cloned())
    }

    async fn with_token(&mut self, token: &TokenHash) -> Result<Option<Enrolment>, Error> {
        Ok(self.enrolments.values().find(|enrolment| enrolment.token == *token).cloned())
    }

    async fn page(
        &mut self,
        seen_by: &Scope,
        request: PageRequest<EnrolmentId>,
    ) -> Result<Page<Enrolment, EnrolmentId>, Error> {
        let rows = self.enrolments.values().rev().filter(|enrolment| enrolment.is_within(seen_by));
        Ok(page(rows, &request, |enrolment, after| enrolment.id < *after, |enrolment| enrolment.id))
    }
}

#[async_trait]
impl Enrolments for Tables {
    async fn issue(&mut self, enrolment: &Enrolment) -> Result<(), Error> {
        let known = |other: &Enrolment| other.id == enrolment.id || other.token == enrolment.token;
        if self.enrolments.values().any(known) {
            return Err(Error::new(ErrorKind::Taken, "enrolment token"));
        }
        let row =
            Enrolment { state: EnrolmentState::Open, spent_by: None, replaced_by: None, ..enrolment.clone() };
        Arc::make_mut(&mut self.enrolments).insert(enrolment.id, row);
        Ok(())
    }

    async fn spend(&mut self, id: EnrolmentId, host: HostId) -> Result<(), Error> {
        let enrolment = self.enrolment_in(id, &[EnrolmentState::Open])?;
        enrolment.state = EnrolmentState::Spent;
        enrolment.spent_by = Some(host);
        Ok(())
    }

    async fn revoke(&mut self, id: EnrolmentId) -> Result<(), Error> {
        self.enrolment_in(id, &[EnrolmentState::Open])?.state = EnrolmentState::Revoked;
        Ok(())
    }

    async fn reissue(&mut self, old: EnrolmentId, new: &Enrolment) -> Result<(), Error> {
        let enrolment = self.enrolment_in(old, &[EnrolmentState::Open, EnrolmentState::Expired])?;
        enrolment.state = EnrolmentState::Revoked;
        enrolment.replaced_by = Some(new.id);
        self.issue(new).await
    }

    async fn expire(&mut self, now: Timestamp) -> Result<u64, Error> {
        let mut expired = 0;
        for enrolment in Arc::make_mut(&mut self.enrolments).values_mut() {
            if enrolment.state == EnrolmentState::Open && enrolment.expires <= now {
                enrolment.state = EnrolmentState::Expired;
                expired += 1;
            }
        }
        Ok(expired)
    }

    async fn purge(&mut self, expired_before: Timestamp, limit: usize) -> Result<u64, Error> {
        let is_over = |one: &&Enrolment| one.state != EnrolmentState::Open && one.expires < expired_before;
        let doomed: Vec<_> = self.enrolments.values().filter(is_over).take(limit).map(|one| one.id).collect();
        Ok(remove(&mut self.enrolments, |one| doomed.contains(&one.id)))
    }
}

impl Tables {
    fn enrolment_in(&mut self, id: EnrolmentId, states: &[EnrolmentState]) -> Result<&mut Enrolment, Error> {
        let enrolment = row(&mut self.enrolments, &id, "enrolment")?;
        if states.contains(&enrolment.state) {
            Ok(enrolment)
        } else {
            Err(Error::new(ErrorKind::Conflict, "enrolment"))
        }
    }
}
