//! Unambiguous joining of byte strings: each is preceded by its length, so that no two different lists
//! give the same bytes.

/// Hands `part` to `sink`, preceded by its length.
pub(crate) fn each(parts: &[&[u8]], mut sink: impl FnMut(&[u8])) {
    for part in parts {
        sink(&(part.len() as u64).to_be_bytes());
        sink(part);
    }
}

/// All `parts` in one buffer.
pub(crate) fn join(parts: &[&[u8]]) -> Vec<u8> {
    let mut joined = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
    each(parts, |bytes| joined.extend_from_slice(bytes));
    joined
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn different_lists_join_differently(
            left in prop::collection::vec(prop::collection::vec(0u8..3, 0..4), 0..4),
            right in prop::collection::vec(prop::collection::vec(0u8..3, 0..4), 0..4),
        ) {
            let join = |list: &[Vec<u8>]| super::join(&list.iter().map(Vec::as_slice).collect::<Vec<_>>());
            prop_assert_eq!(left == right, join(&left) == join(&right));
        }
    }
}
