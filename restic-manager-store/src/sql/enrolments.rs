use async_trait::async_trait;
use restic_manager_proto::{EnrolmentId, HostId, Scope, Timestamp, vocabulary::EnrolmentState};

use super::{
    Connection, Sql, Value,
    record::{columns, select},
    transaction::unfit,
    value::values,
    within::{scope_tags, scoped},
};
use crate::{
    Error, ErrorKind, Page, PageRequest, TokenHash,
    enrolments::{Enrolment, EnrolmentQueries, Enrolments},
};

columns! {
    Enrolment of enrolments, "enrolment" {
        id, token, host_name, tags, presence_mode, attachments, include_paths, take_over, created_by, created,
        expires, state, spent_by, replaced_by,
    }
}

#[async_trait]
impl<C: Connection> EnrolmentQueries for Sql<C> {
    async fn find(&mut self, id: EnrolmentId) -> Result<Option<Enrolment>, Error> {
        self.row(select!(Enrolment: "WHERE id = $1"), values![id]).await
    }

    async fn with_token(&mut self, token: &TokenHash) -> Result<Option<Enrolment>, Error> {
        self.row(select!(Enrolment: "WHERE token = $1"), values![token]).await
    }

    async fn page(
        &mut self,
        seen_by: &Scope,
        request: PageRequest<EnrolmentId>,
    ) -> Result<Page<Enrolment, EnrolmentId>, Error> {
        let after = request.after.unwrap_or(EnrolmentId::from_bytes([0xff; 16]));
        let sql = select!(
        Enrolment:
                    "WHERE id < $1 AND ($9 OR EXISTS (SELECT 1 FROM enrolment_tags WHERE enrolment = enrolments.id AND tag IN ",
                    scope_tags!(),
                    ")) ORDER BY id DESC LIMIT $2"
                );
        let values = scoped(values![after, request.limit + 1], seen_by);
        let enrolments = self.rows(sql, values).await?;
        Ok(Page::from_overfull(enrolments, request.limit, |enrolment| enrolment.id))
    }
}

#[async_trait]
impl<C: Connection> Enrolments for Sql<C> {
    async fn issue(&mut self, enrolment: &Enrolment) -> Result<(), Error> {
        let state = EnrolmentState::Open;
        let open = Enrolment { state, spent_by: None, replaced_by: None, ..enrolment.clone() };
        if !self.insert(&open).await? {
            return Err(Error::new(ErrorKind::Taken, "enrolment token"));
        }
        for tag in &enrolment.tags {
            let sql = "INSERT INTO enrolment_tags (tag, enrolment) VALUES ($1, $2) ON CONFLICT DO NOTHING";
            self.execute(sql, values![tag, enrolment.id]).await?;
        }
        Ok(())
    }

    async fn spend(&mut self, id: EnrolmentId, host: HostId) -> Result<(), Error> {
        let sql = "UPDATE enrolments SET state = $2, spent_by = $3 WHERE id = $1 AND state = $4";
        let values = values![id, EnrolmentState::Spent, host, EnrolmentState::Open];
        self.change_enrolment(id, sql, values).await
    }

    async fn revoke(&mut self, id: EnrolmentId) -> Result<(), Error> {
        let sql = "UPDATE enrolments SET state = $2 WHERE id = $1 AND state = $3";
        self.change_enrolment(id, sql, values![id, EnrolmentState::Revoked, EnrolmentState::Open]).await
    }

    async fn reissue(&mut self, old: EnrolmentId, new: &Enrolment) -> Result<(), Error> {
        let sql = "UPDATE enrolments SET state = $2, replaced_by = $3 WHERE id = $1 AND state IN ($4, $5)";
        let (open, expired) = (EnrolmentState::Open, EnrolmentState::Expired);
        let values = values![old, EnrolmentState::Revoked, new.id, open, expired];
        self.change_enrolment(old, sql, values).await?;
        self.issue(new).await
    }

    async fn expire(&mut self, now: Timestamp) -> Result<u64, Error> {
        let sql = "UPDATE enrolments SET state = $2 WHERE state = $3 AND expires <= $1";
        self.execute(sql, values![now, EnrolmentState::Expired, EnrolmentState::Open]).await
    }

    async fn purge(&mut self, expired_before: Timestamp, limit: usize) -> Result<u64, Error> {
        let sql = "DELETE FROM enrolments WHERE id IN (SELECT id FROM enrolments \
                   WHERE state IN ('spent', 'expired', 'revoked') AND expires < $1 ORDER BY id LIMIT $2)";
        self.execute(sql, values![expired_before, limit]).await
    }
}

impl<C: Connection> Sql<C> {
    async fn change_enrolment(
        &mut self,
        id: EnrolmentId,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<(), Error> {
        if self.change(sql, values).await? {
            return Ok(());
        }
        let known = self.any("SELECT id FROM enrolments WHERE id = $1", values![id]).await?;
        Err(unfit(known, "enrolment"))
    }
}
