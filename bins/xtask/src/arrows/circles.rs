//! Nodes that reach each other.

use std::collections::{BTreeMap, BTreeSet};

/// The groups of two or more nodes of which each reaches each other, sorted.
pub(crate) fn circles<N: Ord + Clone>(arrows: &BTreeSet<(N, N)>) -> Vec<BTreeSet<N>> {
    let mut next: BTreeMap<&N, Vec<&N>> = BTreeMap::new();
    for (from, to) in arrows {
        next.entry(from).or_default().push(to);
    }
    let reached: BTreeMap<&N, BTreeSet<&N>> =
        next.keys().map(|from| (*from, reached_from(*from, &next))).collect();
    let reaches = |from: &N, to: &N| reached.get(from).is_some_and(|nodes| nodes.contains(to));
    let groups: BTreeSet<BTreeSet<N>> = reached
        .keys()
        .filter(|node| reaches(node, node))
        .map(|node| {
            reached
                .keys()
                .filter(|other| reaches(node, other) && reaches(other, node))
                .map(|n| (*n).clone())
                .collect()
        })
        .collect();
    groups.into_iter().collect()
}

fn reached_from<'a, N: Ord>(start: &'a N, next: &BTreeMap<&'a N, Vec<&'a N>>) -> BTreeSet<&'a N> {
    let mut reached = BTreeSet::new();
    let mut open = vec![start];
    while let Some(node) = open.pop() {
        for to in next.get(node).into_iter().flatten() {
            if reached.insert(*to) {
                open.push(to);
            }
        }
    }
    reached
}
