//! Several descending sequences, walked as one.

use std::collections::BinaryHeap;

use super::{LOOKED_AT_MAX, Page};

/// Fills a page with what `item` makes of the keys of all `parts`, the highest first, from below `before` on.
///
/// `seek` finds the highest key of a part that is below a key, or its highest one. A limit of 0 is one of 1: without
/// progress, there would be no end.
pub(super) fn page<K: Copy + Ord, P, T>(
    parts: &[P],
    before: Option<K>,
    limit: u32,
    mut seek: impl FnMut(&P, Option<K>) -> rusqlite::Result<Option<K>>,
    mut item: impl FnMut(&P, K) -> rusqlite::Result<Option<T>>,
) -> rusqlite::Result<Page<T, K>> {
    let limit = limit.max(1) as usize;
    // The number of the part stands second; no two hold the same key.
    let mut heads = BinaryHeap::with_capacity(parts.len());
    for (number, part) in parts.iter().enumerate() {
        heads.extend(seek(part, before)?.map(|key| (key, number)));
    }
    let mut items = Vec::new();
    let mut looked_at = 0;
    while let Some((key, number)) = heads.pop()
        && let Some(part) = parts.get(number)
    {
        items.extend(item(part, key)?);
        looked_at += 1;
        heads.extend(seek(part, Some(key))?.map(|key| (key, number)));
        if items.len() == limit || looked_at == LOOKED_AT_MAX {
            let next = (!heads.is_empty()).then_some(key);
            return Ok(Page { items, next });
        }
    }
    Ok(Page { items, next: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The items of all pages, and the sizes of the pages.
    fn walk(parts: &[&[u32]], limit: u32, keep: impl Fn(u32) -> bool) -> (Vec<u32>, Vec<usize>) {
        let seek = |part: &&[u32], below: Option<u32>| {
            Ok(part.iter().copied().find(|&key| below.is_none_or(|below| key < below)))
        };
        let (mut items, mut sizes, mut before) = (Vec::new(), Vec::new(), None);
        loop {
            let page = page(parts, before, limit, seek, |_, key| Ok(keep(key).then_some(key))).unwrap();
            sizes.push(page.items.len());
            items.extend(page.items);
            before = page.next;
            if before.is_none() {
                return (items, sizes);
            }
        }
    }

    #[test]
    fn parts_come_as_one_in_pages() {
        let parts: [&[u32]; 4] = [&[9, 4, 1], &[], &[8, 7, 6, 5], &[3]];
        for limit in 1..=9 {
            let (items, sizes) = walk(&parts, limit, |_| true);
            assert_eq!(items, [9, 8, 7, 6, 5, 4, 3, 1], "by {limit}");
            // No empty page at the end.
            assert_eq!(sizes.len(), 8_usize.div_ceil(limit as usize), "by {limit}");
        }
        assert_eq!(walk(&parts, 2, |key| key % 2 == 0), (vec![8, 6, 4], vec![2, 1]));
        assert_eq!(walk(&parts, 0, |_| true).1, [1; 8]);
        assert_eq!(walk(&[], 3, |_| true), (vec![], vec![0]));
    }

    #[test]
    fn a_page_ends_after_so_many_looks() {
        let all: Vec<u32> = (0..2 * LOOKED_AT_MAX as u32 + 1).rev().collect();
        assert_eq!(walk(&[&all], 10, |key| key == 0), (vec![0], vec![0, 0, 1]));
        assert_eq!(walk(&[&all[1..]], 10, |key| key == 0), (vec![0], vec![0, 1]));
    }
}
