//! Places for those who prove themselves, shared between sources.

use core::{net::IpAddr, time::Duration};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::limits::{HANDSHAKES, HANDSHAKES_OF_SOURCE};

/// Places for handshakes. One source never has all of them.
#[derive(Debug)]
pub(crate) struct Places {
    all: Arc<Semaphore>,
    sources: Arc<Mutex<Sources>>,
}

type Sources = HashMap<Option<IpAddr>, Arc<Semaphore>>;

/// One place; it is free again when this is dropped.
#[derive(Debug)]
#[must_use = "the place is free again at once"]
pub(crate) struct Place {
    of_source: Option<OwnedSemaphorePermit>,
    of_all: Option<OwnedSemaphorePermit>,
    source: Option<IpAddr>,
    sources: Arc<Mutex<Sources>>,
}

impl Default for Places {
    fn default() -> Self {
        Self { all: Arc::new(Semaphore::new(HANDSHAKES)), sources: Arc::default() }
    }
}

impl Places {
    /// Takes a place, in the order of asking; `None` when there was none for so long. Cancel-safe.
    pub(crate) async fn take(&self, address: Option<IpAddr>, patience: Duration) -> Option<Place> {
        timeout(patience, self.wait(address.map(network))).await.ok().flatten()
    }

    /// First one of the source's own, so that who waits for those keeps nobody else waiting.
    async fn wait(&self, source: Option<IpAddr>) -> Option<Place> {
        // What is left of one that gives up goes with it.
        let mut place = Place { of_source: None, of_all: None, source, sources: Arc::clone(&self.sources) };
        place.of_source = Some(self.own(source).acquire_owned().await.ok()?);
        place.of_all = Some(Arc::clone(&self.all).acquire_owned().await.ok()?);
        Some(place)
    }

    fn own(&self, source: Option<IpAddr>) -> Arc<Semaphore> {
        let new = || Arc::new(Semaphore::new(HANDSHAKES_OF_SOURCE));
        Arc::clone(lock(&self.sources).entry(source).or_insert_with(new))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop((self.of_source.take(), self.of_all.take()));
        let mut sources = lock(&self.sources);
        // Nobody of this source is inside, and nobody waits.
        if sources.get(&self.source).is_some_and(|own| Arc::strong_count(own) == 1) {
            sources.remove(&self.source);
        }
    }
}

/// Whoever has one IPv6 address has 2^64 of them.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & !u128::from(u64::MAX)).into()),
        v4 => v4,
    }
}

fn lock(sources: &Mutex<Sources>) -> MutexGuard<'_, Sources> {
    sources.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::Ipv4Addr;

    fn source(number: u8) -> Option<IpAddr> {
        Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, number)))
    }

    const NOW: Duration = Duration::ZERO;

    #[tokio::test]
    async fn one_source_takes_a_quarter_of_the_places() {
        let places = Places::default();
        let mut taken = Vec::new();
        for number in 1..=4 {
            for _ in 0..HANDSHAKES_OF_SOURCE {
                taken.push(places.take(source(number), NOW).await.expect("there is room"));
            }
            assert!(places.take(source(number), NOW).await.is_none(), "it has its quarter");
        }
        assert!(places.take(source(5), NOW).await.is_none(), "all are taken");
        taken.pop();
        let place = places.take(source(5), NOW).await;
        assert!(place.is_some());
        drop((taken, place));
        assert!(lock(&places.sources).is_empty(), "nothing is left behind");
    }

    #[tokio::test]
    async fn whoever_waits_gets_the_next_place() {
        let places = Arc::new(Places::default());
        let mut taken = Vec::new();
        for _ in 0..HANDSHAKES_OF_SOURCE {
            taken.push(places.take(source(1), NOW).await.expect("there is room"));
        }
        let waiting = {
            let places = Arc::clone(&places);
            tokio::spawn(async move { places.take(source(1), Duration::from_secs(600)).await.is_some() })
        };
        tokio::task::yield_now().await;
        assert!(places.take(source(2), NOW).await.is_some(), "others do not wait");
        taken.pop();
        assert!(waiting.await.unwrap());
    }
}
