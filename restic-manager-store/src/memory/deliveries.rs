use async_trait::async_trait;
use restic_manager_proto::{ChannelId, DeliveryId, NoticeId, Timestamp};
use std::sync::Arc;

use super::tables::{Tables, page};
use crate::{
    Error, ErrorKind, Page, PageRequest,
    deliveries::{Deliveries, Delivery, DeliveryQueries, Notice},
    metrics::counted_delivery,
    value::without_nul,
};

#[async_trait]
impl DeliveryQueries for Tables {
    async fn notices(&mut self, limit: usize) -> Result<Vec<Notice>, Error> {
        Ok(self.notices.values().take(limit).copied().collect())
    }

    async fn find(&mut self, id: DeliveryId) -> Result<Option<Delivery>, Error> {
        Ok(self.deliveries.get(&id).cloned())
    }

    async fn due(&mut self, now: Timestamp, limit: usize) -> Result<Vec<Delivery>, Error> {
        Ok(self.deliveries_by_due(limit, |delivery| delivery.due.is_some_and(|due| due <= now)))
    }

    async fn newest(&mut self, channel: ChannelId, group: &str) -> Result<Option<Delivery>, Error> {
        let of_group = |one: &&Delivery| one.channel == channel && one.group == group;
        Ok(self.deliveries.values().rev().find(of_group).cloned())
    }

    async fn waiting(&mut self, channel: ChannelId, limit: usize) -> Result<Vec<Delivery>, Error> {
        Ok(self.deliveries_by_due(limit, |one| one.channel == channel && one.due.is_some()))
    }

    async fn page(
        &mut self,
        channel: Option<ChannelId>,
        request: PageRequest<DeliveryId>,
    ) -> Result<Page<Delivery, DeliveryId>, Error> {
        let wanted = |one: &&Delivery| channel.is_none_or(|channel| one.channel == channel);
        let newest_first = self.deliveries.values().rev().filter(wanted);
        Ok(page(newest_first, &request, |one, after| one.id < *after, |one| one.id))
    }
}

#[async_trait]
impl Deliveries for Tables {
    async fn note(&mut self, notice: &Notice) -> Result<(), Error> {
        if self.notices.contains_key(&notice.id) {
            return Err(Error::new(ErrorKind::Taken, "notice"));
        }
        Arc::make_mut(&mut self.notices).insert(notice.id, *notice);
        Ok(())
    }

    async fn forget(&mut self, id: NoticeId) -> Result<bool, Error> {
        Ok(Arc::make_mut(&mut self.notices).remove(&id).is_some())
    }

    async fn queue(&mut self, delivery: &Delivery) -> Result<(), Error> {
        if !self.channels.contains_key(&delivery.channel) {
            return Err(Error::new(ErrorKind::NotFound, "channel"));
        }
        if self.deliveries.contains_key(&delivery.id) {
            return Err(Error::new(ErrorKind::Taken, "delivery"));
        }
        Arc::make_mut(&mut self.deliveries).insert(delivery.id, delivery.clone());
        Ok(())
    }

    async fn settle(&mut self, delivery: &Delivery, attempts: u32) -> Result<bool, Error> {
        let stored = Arc::make_mut(&mut self.deliveries).get_mut(&delivery.id);
        let Some(stored) = stored.filter(|stored| stored.attempts == attempts) else { return Ok(false) };
        let name = counted_delivery(stored.channel, delivery.state);
        let has_ended = stored.ended.is_none() && delivery.ended.is_some();
        let answer = delivery.answer.as_deref().map(without_nul);
        let (channel, created) = (stored.channel, stored.created);
        *stored = Delivery { channel, created, answer, ..delivery.clone() };
        if has_ended {
            *Arc::make_mut(&mut self.counters).entry(name).or_default() += 1;
        }
        Ok(true)
    }

    async fn purge_ended(&mut self, before: Timestamp, limit: usize) -> Result<u64, Error> {
        let over = self.deliveries.values().filter(|one| one.ended.is_some_and(|ended| ended < before));
        let mut over: Vec<_> = over.map(|one| (one.ended, one.id)).collect();
        over.sort_unstable();
        over.truncate(limit);
        let deliveries = Arc::make_mut(&mut self.deliveries);
        over.iter().for_each(|(_, id)| drop(deliveries.remove(id)));
        Ok(over.len() as u64)
    }
}

impl Tables {
    fn deliveries_by_due(&self, limit: usize, wanted: impl Fn(&Delivery) -> bool) -> Vec<Delivery> {
        let mut found: Vec<_> = self.deliveries.values().filter(|one| wanted(one)).cloned().collect();
        found.sort_by_key(|one| (one.due, one.id));
        found.truncate(limit);
        found
    }
}
