//! Pages by key: each costs as much as it holds, however long the list is.

/// Which part of a list is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PageRequest<K> {
    /// The key of the last item of the page before; `None` for the first page.
    pub after: Option<K>,
    /// How many items at most, between 1 and [`PageRequest::LIMIT`].
    pub limit: usize,
}

impl<K> PageRequest<K> {
    /// The largest page.
    pub const LIMIT: usize = 500;

    /// The first page.
    #[must_use]
    pub fn first(limit: usize) -> Self {
        Self { after: None, limit: limit.clamp(1, Self::LIMIT) }
    }

    /// The page that follows a key.
    #[must_use]
    pub fn after(key: K, limit: usize) -> Self {
        Self { after: Some(key), limit: limit.clamp(1, Self::LIMIT) }
    }
}

/// One part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page<T, K> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// The key that the next page follows; `None` when this page ends the list.
    pub next: Option<K>,
}

impl<T, K> Page<T, K> {
    /// Makes a page from what a backend found when it looked for one item more than was asked for.
    #[must_use]
    pub fn from_overfull(mut items: Vec<T>, limit: usize, key: impl Fn(&T) -> K) -> Self {
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more { items.last().map(key) } else { None };
        Self { items, next }
    }
}
