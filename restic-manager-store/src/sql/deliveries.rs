use async_trait::async_trait;
use restic_manager_proto::{ChannelId, DeliveryId, NoticeId, Timestamp};

use super::{
    Connection, Sql,
    record::{columns, select, update},
    value::values,
};
use crate::{
    Error, ErrorKind, Page, PageRequest,
    channels::ChannelQueries,
    deliveries::{Deliveries, Delivery, DeliveryQueries, Notice},
    metrics::counted_delivery,
};

columns! {
    Notice of notices, "notice" { id, alert, event, moment }
}

columns! {
    Delivery of deliveries, "delivery" {
        id, channel, route, group = group_key, kind, state, items, count, created, due, tried, attempts, answer, ended,
    }
}

#[async_trait]
impl<C: Connection> DeliveryQueries for Sql<C> {
    async fn notices(&mut self, limit: usize) -> Result<Vec<Notice>, Error> {
        self.rows(select!(Notice: "ORDER BY id LIMIT $1"), values![limit]).await
    }

    async fn find(&mut self, id: DeliveryId) -> Result<Option<Delivery>, Error> {
        self.row(select!(Delivery: "WHERE id = $1"), values![id]).await
    }

    async fn due(&mut self, now: Timestamp, limit: usize) -> Result<Vec<Delivery>, Error> {
        let select = select!(Delivery: "WHERE due <= $1 ORDER BY due, id LIMIT $2");
        self.rows(select, values![now, limit]).await
    }

    async fn newest(&mut self, channel: ChannelId, group: &str) -> Result<Option<Delivery>, Error> {
        let select = select!(Delivery: "WHERE channel = $1 AND group_key = $2 ORDER BY id DESC LIMIT 1");
        self.row(select, values![channel, group]).await
    }

    async fn waiting(&mut self, channel: ChannelId, limit: usize) -> Result<Vec<Delivery>, Error> {
        let select = select!(Delivery: "WHERE channel = $1 AND due IS NOT NULL ORDER BY due, id LIMIT $2");
        self.rows(select, values![channel, limit]).await
    }

    async fn page(
        &mut self,
        channel: Option<ChannelId>,
        request: PageRequest<DeliveryId>,
    ) -> Result<Page<Delivery, DeliveryId>, Error> {
        let after = request.after.unwrap_or(DeliveryId::from_bytes([u8::MAX; 16]));
        let limit = request.limit + 1;
        let found = match channel {
            Some(channel) => {
                let select = select!(Delivery: "WHERE channel = $3 AND id < $1 ORDER BY id DESC LIMIT $2");
                self.rows(select, values![after, limit, channel]).await?
            }
            None => {
                let select = select!(Delivery: "WHERE id < $1 ORDER BY id DESC LIMIT $2");
                self.rows(select, values![after, limit]).await?
            }
        };
        Ok(Page::from_overfull(found, request.limit, |delivery| delivery.id))
    }
}

#[async_trait]
impl<C: Connection> Deliveries for Sql<C> {
    async fn note(&mut self, notice: &Notice) -> Result<(), Error> {
        let taken = Error::new(ErrorKind::Taken, "notice");
        if self.insert(notice).await? { Ok(()) } else { Err(taken) }
    }

    async fn forget(&mut self, id: NoticeId) -> Result<bool, Error> {
        self.change("DELETE FROM notices WHERE id = $1", values![id]).await
    }

    async fn queue(&mut self, delivery: &Delivery) -> Result<(), Error> {
        if ChannelQueries::find(self, delivery.channel).await?.is_none() {
            return Err(Error::new(ErrorKind::NotFound, "channel"));
        }
        let taken = Error::new(ErrorKind::Taken, "delivery");
        if self.insert(delivery).await? { Ok(()) } else { Err(taken) }
    }

    async fn settle(&mut self, delivery: &Delivery, attempts: u32) -> Result<bool, Error> {
        let before = DeliveryQueries::find(self, delivery.id).await?;
        let (sql, values) = update!(deliveries {
            route: delivery.route,
            group_key: delivery.group,
            kind: delivery.kind,
            state: delivery.state,
            items: delivery.items,
            count: delivery.count,
            due: delivery.due,
            tried: delivery.tried,
            attempts: delivery.attempts,
            answer: delivery.answer,
            ended: delivery.ended,
        } where "id = $1 AND attempts = $2", [delivery.id, attempts]);
        let is_settled = self.change(sql, values).await?;
        if let Some(before) =
            before.filter(|before| is_settled && before.ended.is_none() && delivery.ended.is_some())
        {
            let name = counted_delivery(before.channel, delivery.state);
            self.count(&name, delivery.id.as_bytes()[15], 1).await?;
        }
        Ok(is_settled)
    }

    async fn purge_ended(&mut self, before: Timestamp, limit: usize) -> Result<u64, Error> {
        let sql = "DELETE FROM deliveries WHERE id IN \
                   (SELECT id FROM deliveries WHERE ended < $1 ORDER BY ended, id LIMIT $2)";
        self.execute(sql, values![before, limit]).await
    }
}
