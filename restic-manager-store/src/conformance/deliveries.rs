use restic_manager_proto::vocabulary::DeliveryState;

use super::samples::*;
use crate::{Error, ErrorKind, PageRequest, Store, deliveries::Delivery};

/// Two channels, each with some messages.
async fn fill(store: &dyn Store) -> Result<Vec<Delivery>, Error> {
    let all = vec![delivery(1, 1, 30), delivery(2, 1, 10), delivery(3, 2, 20), delivery(4, 1, 10)];
    for number in [1, 2] {
        change!(store, |tx| tx.channels().add(&channel(number)))?;
    }
    for one in &all {
        change!(store, |tx| tx.deliveries().queue(one))?;
    }
    Ok(all)
}

fn ended(one: &Delivery, second: u32) -> Delivery {
    Delivery {
        state: DeliveryState::Delivered,
        due: None,
        tried: Some(at(second)),
        attempts: 1,
        answer: Some("taken".to_owned()),
        ended: Some(at(second)),
        ..one.clone()
    }
}

pub async fn notices_are_taken_in_order(store: &dyn Store) -> Result<(), Error> {
    for number in [3, 1, 2] {
        change!(store, |tx| tx.deliveries().note(&notice(number)))?;
    }
    assert_kind(change!(store, |tx| tx.deliveries().note(&notice(1))), ErrorKind::Taken);
    assert!(change!(store, |tx| tx.deliveries().forget(notice(2).id))?);
    assert!(!change!(store, |tx| tx.deliveries().forget(notice(2).id))?);
    let mut read = store.read().await?;
    assert_eq!(read.deliveries().notices(9).await?, [notice(1), notice(3)]);
    assert_eq!(read.deliveries().notices(1).await?, [notice(1)]);
    Ok(())
}

pub async fn what_is_due_comes_first(store: &dyn Store) -> Result<(), Error> {
    let all = fill(store).await?;
    assert_kind(change!(store, |tx| tx.deliveries().queue(&all[0])), ErrorKind::Taken);
    assert_kind(change!(store, |tx| tx.deliveries().queue(&delivery(9, 9, 1))), ErrorKind::NotFound);
    let mut read = store.read().await?;
    assert_eq!(read.deliveries().due(at(20), 9).await?, [all[1].clone(), all[3].clone(), all[2].clone()]);
    assert_eq!(read.deliveries().due(at(20), 1).await?, [all[1].clone()]);
    assert_eq!(read.deliveries().due(at(9), 9).await?, []);
    assert_eq!(read.deliveries().waiting(channel(1).id, 9).await?, [all[1].clone(), all[3].clone(), all[0].clone()]);
    assert_eq!(read.deliveries().find(all[2].id).await?, Some(all[2].clone()));
    Ok(())
}

pub async fn the_newest_of_a_group_is_found(store: &dyn Store) -> Result<(), Error> {
    let all = fill(store).await?;
    change!(store, |tx| tx.deliveries().settle(&ended(&all[3], 40), 0))?;
    let mut read = store.read().await?;
    assert_eq!(read.deliveries().newest(channel(1).id, "group-0").await?, Some(ended(&all[3], 40)));
    assert_eq!(read.deliveries().newest(channel(1).id, "group-1").await?, Some(all[0].clone()));
    assert_eq!(read.deliveries().newest(channel(2).id, "group-0").await?, None);
    Ok(())
}

pub async fn one_is_settled_by_who_saw_it_last(store: &dyn Store) -> Result<(), Error> {
    let all = fill(store).await?;
    let tried = Delivery { attempts: 1, due: Some(at(90)), tried: Some(at(31)), ..all[0].clone() };
    assert!(change!(store, |tx| tx.deliveries().settle(&tried, 0))?);
    assert!(!change!(store, |tx| tx.deliveries().settle(&ended(&all[0], 40), 0))?, "somebody else tried it");
    assert!(change!(store, |tx| tx.deliveries().settle(&ended(&all[0], 40), 1))?);
    let mut read = store.read().await?;
    assert_eq!(read.deliveries().find(all[0].id).await?, Some(ended(&all[0], 40)));
    assert_eq!(read.deliveries().waiting(channel(1).id, 9).await?.len(), 2);
    Ok(())
}

pub async fn pages_join(store: &dyn Store) -> Result<(), Error> {
    let all = fill(store).await?;
    let mut read = store.read().await?;
    let first = read.deliveries().page(None, PageRequest::first(3)).await?;
    assert_eq!(first.items, [all[3].clone(), all[2].clone(), all[1].clone()]);
    let next = PageRequest::after(first.next.ok_or(Error::new(ErrorKind::NotFound, "next page"))?, 3);
    let second = read.deliveries().page(None, next).await?;
    assert_eq!((second.items, second.next), (vec![all[0].clone()], None));
    let of_second = read.deliveries().page(Some(channel(2).id), PageRequest::first(9)).await?;
    assert_eq!(of_second.items, [all[2].clone()]);
    Ok(())
}

pub async fn purging_spares_what_waits(store: &dyn Store) -> Result<(), Error> {
    let all = fill(store).await?;
    for (one, second) in [(&all[0], 40), (&all[1], 41), (&all[2], 50)] {
        change!(store, |tx| tx.deliveries().settle(&ended(one, second), 0))?;
    }
    assert_eq!(change!(store, |tx| tx.deliveries().purge_ended(at(50), 1))?, 1);
    assert_eq!(change!(store, |tx| tx.deliveries().purge_ended(at(50), 9))?, 1);
    assert_eq!(change!(store, |tx| tx.deliveries().purge_ended(at(50), 9))?, 0);
    let left = store.read().await?.deliveries().page(None, PageRequest::first(9)).await?.items;
    assert_eq!(left, [all[3].clone(), ended(&all[2], 50)]);
    Ok(())
}
