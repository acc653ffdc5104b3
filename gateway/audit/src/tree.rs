//! The right edge of an RFC 6962 tree, tile by tile: all that is needed to extend it.

use tlog_tiles::{EMPTY_HASH, Hash, node_hash};

/// Entries (or hashes) in a full tile of tlog-tiles.
pub(crate) const TILE_WIDTH: usize = 256;

/// The partial tiles at the right edge of a tree, one a level.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frontier {
    size: u64,
    /// `edges[level]` holds the `(size >> 8 * level) % 256` hashes of the level's partial tile.
    edges: Vec<Vec<Hash>>,
}

impl Frontier {
    /// The frontier of a tree of `size` entries with these partial tiles.
    pub(crate) fn from_edges(size: u64, edges: Vec<Vec<Hash>>) -> Self {
        Self { size, edges }
    }

    /// Number of entries in the tree.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// The partial tiles, level 0 first; some may be empty.
    pub(crate) fn edges(&self) -> &[Vec<Hash>] {
        &self.edges
    }

    /// Appends a leaf. Each tile that it fills is handed to `filled` as level, number and hashes.
    pub(crate) fn push(&mut self, leaf: Hash, mut filled: impl FnMut(u8, u64, &[Hash])) {
        let index = self.size;
        let mut hash = leaf;
        for level in 0_u8.. {
            let at = usize::from(level);
            if self.edges.len() == at {
                self.edges.push(Vec::with_capacity(TILE_WIDTH));
            }
            let edge = &mut self.edges[at];
            edge.push(hash);
            if edge.len() < TILE_WIDTH {
                break;
            }
            filled(level, index >> (8 * (u32::from(level) + 1)), edge);
            hash = perfect_root(edge);
            edge.clear();
        }
        self.size += 1;
    }

    /// The root hash of the tree.
    pub(crate) fn root(&self) -> Hash {
        let mut right: Option<Hash> = None;
        for edge in &self.edges {
            let mut end = edge.len();
            // A tile's hashes fall into perfect subtrees, the largest leftmost: the bits of its
            // width. They are joined from the right.
            for bit in 0..8 {
                let width = 1 << bit;
                if edge.len() & width == 0 {
                    continue;
                }
                let left = perfect_root(&edge[end - width..end]);
                right = Some(right.map_or(left, |right| node_hash(left, right)));
                end -= width;
            }
        }
        right.unwrap_or(EMPTY_HASH)
    }
}

/// The root over a power of two of hashes.
pub(crate) fn perfect_root(hashes: &[Hash]) -> Hash {
    let mut level = hashes.to_vec();
    while level.len() > 1 {
        for at in 0..level.len() / 2 {
            level[at] = node_hash(level[2 * at], level[2 * at + 1]);
        }
        level.truncate(level.len() / 2);
    }
    level.first().copied().unwrap_or(EMPTY_HASH)
}

/// The width of the partial tile at a level of a tree, 0 to 255.
pub(crate) fn edge_width(size: u64, level: u8) -> usize {
    ((size >> (8 * u32::from(level))) & 0xff) as usize
}

/// The number of levels of tiles of a tree.
pub(crate) fn levels(size: u64) -> u8 {
    (0_u8..8).take_while(|level| size >> (8 * u32::from(*level)) > 0).count() as u8
}

/// The tree hash straight from its definition in RFC 6962, section 2.1.
#[cfg(test)]
pub(crate) fn naive_root(leaves: &[Hash]) -> Hash {
    match leaves.len() {
        0 => EMPTY_HASH,
        1 => leaves[0],
        n => {
            let k = n.next_power_of_two() / 2;
            node_hash(naive_root(&leaves[..k]), naive_root(&leaves[k..]))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]
    use super::*;
    use proptest::prelude::*;
    use tlog_tiles::record_hash;

    fn hex(hash: Hash) -> String {
        hash.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The reference data of the Certificate Transparency project's Merkle tree tests.
    #[test]
    fn it_gives_the_roots_of_the_published_vectors() {
        let inputs: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        let roots = [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let mut frontier = Frontier::default();
        assert_eq!(hex(frontier.root()), hex(EMPTY_HASH));
        for (input, root) in inputs.iter().zip(roots) {
            frontier.push(record_hash(input), |_, _, _| panic!("no tile is full"));
            assert_eq!(hex(frontier.root()), root);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn any_size_gives_the_root_of_the_definition(size in 0_usize..1500) {
            let leaves: Vec<Hash> = (0..size).map(|i| record_hash(&i.to_be_bytes())).collect();
            let mut frontier = Frontier::default();
            let mut tiles = Vec::new();
            for leaf in &leaves {
                frontier.push(*leaf, |level, n, hashes| tiles.push((level, n, hashes.to_vec())));
            }
            prop_assert!(frontier.root() == naive_root(&leaves));
            prop_assert_eq!(frontier.size(), size as u64);
            for (level, n, hashes) in tiles {
                prop_assert_eq!(level, 0);
                let from = n as usize * TILE_WIDTH;
                prop_assert!(hashes == leaves[from..from + TILE_WIDTH]);
            }
            for level in 0..levels(size as u64) {
                prop_assert_eq!(frontier.edges()[usize::from(level)].len(), edge_width(size as u64, level));
            }
        }
    }

    #[test]
    fn a_tree_of_seventy_thousand_has_the_tiles_that_the_specification_counts() {
        let mut frontier = Frontier::default();
        let mut full = [0_u64; 3];
        for i in 0..70_000_u64 {
            frontier.push(record_hash(&i.to_be_bytes()), |level, n, _| {
                assert_eq!(full[usize::from(level)], n);
                full[usize::from(level)] += 1;
            });
        }
        assert_eq!(full, [273, 1, 0]);
        let widths: Vec<usize> = frontier.edges().iter().map(Vec::len).collect();
        assert_eq!(widths, [112, 17, 1]);
        assert_eq!(levels(70_000), 3);
    }
}
