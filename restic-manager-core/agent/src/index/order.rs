//! The order of an index, which is the order in which restic's walk leaves folders: by the bytes of each name of a path in
//! turn, and what is below a folder before the folder's own entries.

use core::cmp::Ordering;

/// Which of two folders comes first. The top is empty; every other path has a slash before each name.
pub(super) fn folders(one: &[u8], other: &[u8]) -> Ordering {
    let shared = one.iter().zip(other).take_while(|(one, other)| one == other).count();
    match (one.get(shared), other.get(shared)) {
        (None, None) => Ordering::Equal,
        // One path goes on: below the other, if it does so with a slash; else its last name is the longer one.
        (None, Some(b'/')) => Ordering::Greater,
        (Some(b'/'), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Less,
        (Some(_), None) => Ordering::Greater,
        // A name that ends here is the shorter one.
        (Some(b'/'), Some(_)) => Ordering::Less,
        (Some(_), Some(b'/')) => Ordering::Greater,
        (Some(one), Some(other)) => one.cmp(other),
    }
}

/// Which of two entries comes first, each told by its folder and its name.
pub(super) fn entries(one: (&[u8], &[u8]), other: (&[u8], &[u8])) -> Ordering {
    folders(one.0, other.0).then_with(|| one.1.cmp(other.1))
}

/// Where an entry stands in an index: its folder and its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) folder: Vec<u8>,
    pub(super) name: Vec<u8>,
}

impl Place {
    pub(super) fn new(folder: &[u8], name: &[u8]) -> Self {
        Self { folder: folder.to_vec(), name: name.to_vec() }
    }

    /// Of a path; `None` for the top.
    pub(super) fn of(path: &[u8]) -> Option<Self> {
        split(tidy(path)).map(|(folder, name)| Self::new(folder, name))
    }

    pub(super) fn path(&self) -> Vec<u8> {
        [&self.folder, b"/".as_slice(), &self.name].concat()
    }

    pub(super) fn parts(&self) -> (&[u8], &[u8]) {
        (&self.folder, &self.name)
    }
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        entries(self.parts(), other.parts())
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The folder and the name of a path that is not the top. The top as a folder is empty.
pub(super) fn split(path: &[u8]) -> Option<(&[u8], &[u8])> {
    let slash = path.iter().rposition(|byte| *byte == b'/')?;
    let (folder, name) = (&path[..slash], &path[slash + 1..]);
    (!name.is_empty() && (folder.is_empty() || folder[0] == b'/')).then_some((folder, name))
}

/// A path as the index writes it: without a slash at its end, so that the top is empty.
pub(super) fn tidy(path: &[u8]) -> &[u8] {
    match path {
        [rest @ .., b'/'] => tidy(rest),
        path => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};

    /// The same, said by names.
    fn by_names(one: &[Vec<u8>], other: &[Vec<u8>]) -> Ordering {
        let differ = one.iter().zip(other).map(|(one, other)| one.cmp(other)).find(|order| order.is_ne());
        differ.unwrap_or_else(|| other.len().cmp(&one.len()))
    }

    fn path(names: &[Vec<u8>]) -> Vec<u8> {
        names.iter().flat_map(|name| [b"/".as_slice(), name].concat()).collect()
    }

    fn names() -> impl Strategy<Value = Vec<Vec<u8>>> {
        vec(vec(prop::sample::select(vec![1_u8, b'-', b'.', b'0', b'a', 0xff]), 1..4), 0..4)
    }

    proptest! {
        #[test]
        fn paths_are_ordered_name_by_name(one in names(), other in names()) {
            prop_assert_eq!(folders(&path(&one), &path(&other)), by_names(&one, &other));
        }
    }

    #[test]
    fn a_path_has_a_folder_and_a_name() {
        assert_eq!(split(b"/a/b"), Some((b"/a".as_slice(), b"b".as_slice())));
        assert_eq!(split(b"/a"), Some((b"".as_slice(), b"a".as_slice())));
        for odd in [b"".as_slice(), b"/", b"a", b"a/b", b"/a/"] {
            assert_eq!(split(odd), None, "{odd:?}");
        }
        assert_eq!((tidy(b"/"), tidy(b"/a/"), tidy(b"")), (&b""[..], &b"/a"[..], &b""[..]));
    }
}
