//! Which items of an outbox are committed together.
//!
//! A listing that comes in parts is one truth: none of its parts is committed, or acknowledged, before the last has
//! come. Whatever else has come is committed at once.

use restic_manager_proto::{
    OutboxId,
    agent::{Report, ReportItem},
    limits::{LISTING_BYTES, LISTING_PARTS, PART_SNAPSHOTS},
};

/// Parts of a listing, and what comes behind them in the reports that bring its last ones.
const HELD_LIMIT: usize = 2 * LISTING_PARTS;
/// The text of an item that is not the snapshots themselves.
const ITEM_OVERHEAD: usize = 256;

/// What an agent sent and what of it is committed, for one connection.
#[derive(Debug)]
pub(super) struct Inbox {
    outbox: Option<OutboxId>,
    /// Number of the last item that was handed out for committing.
    through: u64,
    held: Vec<ReportItem>,
    /// Bytes of the listing parts among them.
    held_bytes: usize,
}

/// Items to be committed together.
#[derive(Debug, PartialEq)]
pub(super) struct Batch {
    pub(super) outbox: OutboxId,
    /// Number of the last item.
    pub(super) through: u64,
    /// In order; empty when all of them were committed before.
    pub(super) items: Vec<ReportItem>,
    /// Items before these were confirmed to the agent, and are not known here any more.
    pub(super) has_gap: bool,
}

/// Items wait for the rest of a listing that does not end.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a listing has more than {LISTING_PARTS} parts or {LISTING_BYTES} bytes, or a part of it more than {PART_SNAPSHOTS} snapshots"
)]
pub(super) struct EndlessListing;

impl Inbox {
    /// Goes on where the store ends.
    pub(super) fn new(position: Option<(OutboxId, u64)>) -> Self {
        let (outbox, through) = position.map_or((None, 0), |(outbox, through)| (Some(outbox), through));
        Self { outbox, through, held: Vec::new(), held_bytes: 0 }
    }

    /// Takes a report in, and gives what is to be committed now. Items that were committed before are left out; numbers
    /// that are missing in between are gone, because an agent sends nothing twice that was acknowledged.
    pub(super) fn admit(&mut self, report: Report) -> Result<Option<Batch>, EndlessListing> {
        let is_known = self.outbox == Some(report.outbox);
        if !is_known {
            *self = Self::new(Some((report.outbox, 0)));
        }
        let last = report.last();
        let next = self.through + self.held.len() as u64 + 1;
        let is_later = report.first > next;
        if is_later {
            (self.held, self.held_bytes) = (Vec::new(), 0);
            self.through = report.first - 1;
        }
        if report.items.iter().any(is_swollen) {
            return Err(EndlessListing);
        }
        let known = usize::try_from(next.saturating_sub(report.first)).unwrap_or(usize::MAX);
        let new = report.items.into_iter().skip(known);
        self.held.extend(new.inspect(|item| self.held_bytes += listed_bytes(item)));
        let ready = ready(&self.held);
        if ready > 0 {
            self.held_bytes = self.held[ready..].iter().map(listed_bytes).sum();
        }
        if self.held.len() - ready > HELD_LIMIT
            || self.held_bytes > LISTING_BYTES + LISTING_PARTS * ITEM_OVERHEAD
        {
            return Err(EndlessListing);
        }
        let items: Vec<_> = self.held.drain(..ready).collect();
        self.through += items.len() as u64;
        let nothing_new = items.is_empty() && last > self.through;
        let has_gap = is_known && is_later;
        Ok((!nothing_new).then_some(Batch { outbox: report.outbox, through: self.through, items, has_gap }))
    }
}

/// Whether a part of a listing holds more than a part may.
fn is_swollen(item: &ReportItem) -> bool {
    matches!(item, ReportItem::Snapshots { snapshots, .. } if snapshots.len() > PART_SNAPSHOTS)
}

/// Bytes of a part of a listing.
fn listed_bytes(item: &ReportItem) -> usize {
    match item {
        ReportItem::Snapshots { .. } => serde_json::to_vec(item).map_or(0, |text| text.len()),
        _ => 0,
    }
}

/// How many items, from the first, do not wait for the rest of a listing.
fn ready(items: &[ReportItem]) -> usize {
    let mut open = None;
    for (index, item) in items.iter().enumerate() {
        if let ReportItem::Snapshots { last, part, .. } = item {
            if *part == 0 {
                open = Some(index);
            }
            if *last {
                open = None;
            }
        }
    }
    open.unwrap_or(items.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use restic_manager_proto::{JobId, RepositoryId, SnapshotSeen, Timestamp};

    fn outbox(number: u8) -> OutboxId {
        OutboxId::from_parts(Timestamp::from_milliseconds(0), [number; 10])
    }

    fn log(number: u64) -> ReportItem {
        let job = JobId::from_parts(Timestamp::from_milliseconds(0), [1; 10]);
        ReportItem::JobLog { job, lines: Vec::new(), dropped: number }
    }

    fn listing(part: u32, last: bool) -> ReportItem {
        let repository = RepositoryId::from_parts(Timestamp::from_milliseconds(0), [1; 10]);
        ReportItem::Snapshots {
            repository,
            at: Timestamp::from_milliseconds(0),
            snapshots: Vec::new(),
            part,
            last,
        }
    }

    fn report(first: u64, items: Vec<ReportItem>) -> Report {
        Report::new(outbox(1), first, items)
    }

    #[test]
    fn what_comes_again_is_left_out_and_acknowledged_again() {
        let mut inbox = Inbox::new(Some((outbox(1), 2)));
        let batch = inbox.admit(report(1, vec![log(1), log(2), log(3)])).unwrap().unwrap();
        assert_eq!(batch, Batch { outbox: outbox(1), through: 3, items: vec![log(3)], has_gap: false });
        let again = inbox.admit(report(2, vec![log(2), log(3)])).unwrap().unwrap();
        assert_eq!(again, Batch { outbox: outbox(1), through: 3, items: Vec::new(), has_gap: false });
    }

    #[test]
    fn a_new_outbox_starts_anew() {
        let mut inbox = Inbox::new(Some((outbox(1), 900)));
        let batch = inbox.admit(Report::new(outbox(2), 1, vec![log(1)])).unwrap().unwrap();
        assert_eq!((batch.through, batch.items.len()), (1, 1));
    }

    #[test]
    fn a_listing_waits_for_its_last_part_and_holds_up_what_follows_it_only() {
        let mut inbox = Inbox::new(None);
        let batch = inbox.admit(report(1, vec![log(1), listing(0, false)])).unwrap().unwrap();
        assert_eq!((batch.through, batch.items), (1, vec![log(1)]));
        assert_eq!(inbox.admit(report(3, vec![listing(1, false)])), Ok(None));
        let batch = inbox.admit(report(4, vec![listing(2, true), log(5)])).unwrap().unwrap();
        assert_eq!((batch.through, batch.items.len()), (5, 4));
    }

    #[test]
    fn a_listing_without_end_is_refused() {
        let mut inbox = Inbox::new(None);
        let parts = (0..=HELD_LIMIT as u32).map(|part| listing(part, false)).collect();
        assert_eq!(inbox.admit(report(1, parts)), Err(EndlessListing));
        let mut part = listing(0, true);
        let ReportItem::Snapshots { snapshots, .. } = &mut part else { unreachable!() };
        *snapshots = vec![SnapshotSeen::new("ab".repeat(32), Timestamp::MIN); PART_SNAPSHOTS + 1];
        assert_eq!(
            Inbox::new(None).admit(report(1, vec![part])),
            Err(EndlessListing),
            "a part that is swollen"
        );
    }

    #[test]
    fn numbers_that_are_gone_are_passed_over() {
        let mut inbox = Inbox::new(Some((outbox(1), 2)));
        let batch = inbox.admit(report(9, vec![log(9)])).unwrap().unwrap();
        assert_eq!((batch.through, batch.items, batch.has_gap), (9, vec![log(9)], true));
        let another = Report::new(outbox(2), 7, vec![log(7)]);
        assert!(
            !inbox.admit(another).unwrap().unwrap().has_gap,
            "numbers of another outbox mean nothing here"
        );
    }

    /// The listing that the agent may make at most is taken, and not a byte more.
    #[test]
    fn a_listing_is_bounded_by_its_bytes() {
        let mut snapshot = SnapshotSeen::new("a".repeat(64), Timestamp::from_milliseconds(0));
        snapshot.paths =
            (0..300).map(|number| format!("/srv/with/a/name/of/usual/length/{number}")).collect();
        let repository = RepositoryId::from_parts(Timestamp::from_milliseconds(0), [1; 10]);
        let at = Timestamp::from_milliseconds(0);
        let parts = ReportItem::listing(repository, at, &vec![snapshot.clone(); 2100]).unwrap();
        let mut inbox = Inbox::new(None);
        for (first, part) in (1..).zip(&parts) {
            let batch = inbox.admit(report(first, vec![part.clone()])).unwrap();
            assert_eq!(batch.is_some(), first == parts.len() as u64);
        }
        let mut inbox = Inbox::new(None);
        let refused = (0..200).any(|part| {
            let snapshots = vec![snapshot.clone(); 20];
            let item = ReportItem::Snapshots { repository, at, snapshots, part, last: false };
            inbox.admit(report(u64::from(part) + 1, vec![item])) == Err(EndlessListing)
        });
        assert!(refused);
    }

    proptest! {
        /// However an outbox is cut into reports and however much of it comes again, each item is committed once, in
        /// order.
        #[test]
        fn each_item_is_committed_once_and_in_order(
            kinds in prop::collection::vec(0_u8..4, 1..40),
            cuts in prop::collection::vec((0_usize..40, 1_usize..10), 1..30),
        ) {
            let items = outbox_of(&kinds);
            let mut inbox = Inbox::new(None);
            let mut committed = Vec::new();
            let mut reached = 0;
            let whole = (0, items.len());
            for (start, length) in cuts.into_iter().chain([whole]) {
                let start = start.min(reached);
                let end = (start + length).min(items.len());
                reached = reached.max(end);
                let report = report(start as u64 + 1, items[start..end].to_vec());
                if let Some(batch) = inbox.admit(report).unwrap() {
                    committed.extend(batch.items);
                    prop_assert_eq!(batch.through, committed.len() as u64);
                }
            }
            prop_assert_eq!(committed, items);
        }
    }

    /// Log items and whole listings of up to three parts.
    fn outbox_of(kinds: &[u8]) -> Vec<ReportItem> {
        let mut items = Vec::new();
        for &parts in kinds {
            match parts {
                0 => items.push(log(items.len() as u64)),
                _ => items
                    .extend((0..u32::from(parts)).map(|part| listing(part, part + 1 == u32::from(parts)))),
            }
        }
        items
    }
}
