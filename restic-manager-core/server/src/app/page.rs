//! Pages: what a caller asks for, and opaque cursors around the store's keys.

use data_encoding::BASE64URL_NOPAD;
use restic_manager_proto::api::{Cursor, MAX_PAGE_SIZE, Page};
use restic_manager_store::{self as store, PageRequest};
use serde::{Serialize, de::DeserializeOwned};

use crate::failure::Failure;

const DEFAULT_SIZE: u32 = 50;

/// The part of a list that a query asks for. `key` makes the store's key from what [`finish`] wrote.
pub(super) fn request<W: DeserializeOwned, K>(
    limit: Option<u32>,
    after: Option<&Cursor>,
    key: impl FnOnce(W) -> K,
) -> Result<PageRequest<K>, Failure> {
    let limit = limit.unwrap_or(DEFAULT_SIZE);
    if !(1..=MAX_PAGE_SIZE).contains(&limit) {
        return Err(Failure::field(
            "limit",
            format!("between 1 and {MAX_PAGE_SIZE}, such as {DEFAULT_SIZE}"),
        ));
    }
    let limit = limit as usize;
    match after {
        None => Ok(PageRequest::first(limit)),
        Some(cursor) => Ok(PageRequest::after(key(read(cursor)?), limit)),
    }
}

/// The answer: items as they are shown, and the cursor of the next page.
pub(super) fn finish<T, K, W: Serialize>(
    items: Vec<T>,
    next: Option<K>,
    written: impl FnOnce(K) -> W,
) -> Result<Page<T>, Failure> {
    let next = next.map(|key| write(&written(key))).transpose()?;
    Ok(Page { items, next })
}

/// A list that is short by its nature.
pub(super) const fn whole<T>(items: Vec<T>) -> Page<T> {
    Page { items, next: None }
}

/// Fills a page with those items of a list that pass. It does not read: the caller does, while [`Sieve::wants`] says
/// what.
///
/// After enough was looked at for one request the page is shorter than asked for, and its cursor leads on.
pub(super) struct Sieve<T, K> {
    request: PageRequest<K>,
    wanted: usize,
    reads: usize,
    found: Vec<T>,
    done: bool,
}

impl<T, K: Clone> Sieve<T, K> {
    const MOST_READS: usize = 10;

    pub(super) const fn new(request: PageRequest<K>) -> Self {
        Self { wanted: request.limit, request, reads: 0, found: Vec::new(), done: false }
    }

    /// What is to be read next; nothing when the page is done.
    pub(super) fn wants(&self) -> Option<PageRequest<K>> {
        (!self.done && self.reads < Self::MOST_READS).then(|| self.request.clone())
    }

    pub(super) fn take(
        &mut self,
        page: store::Page<T, K>,
        key: impl Fn(&T) -> K,
        passes: impl Fn(&T) -> bool,
    ) {
        self.reads += 1;
        let mut items = page.items.into_iter().peekable();
        while let Some(item) = items.next() {
            let last = key(&item);
            if passes(&item) {
                self.found.push(item);
            }
            if self.found.len() == self.wanted {
                let more = items.peek().is_some() || page.next.is_some();
                self.request.after = more.then_some(last);
                self.done = true;
                return;
            }
        }
        self.done = page.next.is_none();
        self.request.after = page.next;
        self.request.limit = PageRequest::<K>::LIMIT;
    }

    /// The items, and the key that the next page follows.
    pub(super) fn finish(self) -> (Vec<T>, Option<K>) {
        (self.found, self.request.after)
    }
}

fn write<W: Serialize>(key: &W) -> Result<Cursor, Failure> {
    let json =
        serde_json::to_vec(key).map_err(|error| Failure::internal("could not write a cursor", error))?;
    Ok(Cursor::new(BASE64URL_NOPAD.encode(&json)))
}

fn read<W: DeserializeOwned>(cursor: &Cursor) -> Result<W, Failure> {
    let json = BASE64URL_NOPAD.decode(cursor.as_str().as_bytes()).ok();
    json.and_then(|json| serde_json::from_slice(&json).ok()).ok_or_else(|| {
        Failure::field("after", "not a cursor of this list; take the `next` of the page before")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Pages through the even numbers below `length`, as a caller would.
    fn even(length: u64, limit: usize) -> (Vec<u64>, Vec<usize>) {
        let (mut all, mut sizes, mut after) = (Vec::new(), Vec::new(), None);
        loop {
            let mut sieve = Sieve::new(
                after.map_or_else(|| PageRequest::first(limit), |after| PageRequest::after(after, limit)),
            );
            while let Some(request) = sieve.wants() {
                let start = request.after.map_or(0, |after: u64| after + 1);
                let rows: Vec<u64> = (start..length).take(request.limit + 1).collect();
                sieve.take(store::Page::from_overfull(rows, request.limit, |n| *n), |n| *n, |n| n % 2 == 0);
            }
            let (found, next) = sieve.finish();
            sizes.push(found.len());
            all.extend(found);
            match next {
                Some(next) => after = Some(next),
                None => return (all, sizes),
            }
        }
    }

    proptest! {
        #[test]
        fn sifted_pages_lose_and_repeat_nothing(length in 0u64..40, limit in 1usize..10) {
            let (all, sizes) = even(length, limit);
            prop_assert_eq!(all, (0..length).filter(|n| n % 2 == 0).collect::<Vec<_>>());
            prop_assert!(sizes.iter().all(|size| *size <= limit));
            prop_assert!(sizes.iter().rev().skip(1).all(|size| *size == limit));
        }
    }

    #[test]
    fn a_cursor_comes_back_as_it_went() {
        let page = finish(vec![1], Some(("web".to_owned(), 7)), |key| key).unwrap();
        let request = request(Some(2), page.next.as_ref(), |key: (String, i32)| key).unwrap();
        assert_eq!(request.after, Some(("web".to_owned(), 7)));
        assert_eq!(request.limit, 2);
    }
}
