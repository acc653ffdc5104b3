//! The hash tiles of a tree, each believed only after it was checked against the one above it
//! and so, in the end, against the checkpoint's root.

use std::cell::RefCell;

use tlog_tiles::{EMPTY_HASH, Error, Hash, HashReader, record_hash, split_stored_hash_index, tree_hash};

use crate::bundle;
use crate::checkpoint::SignedCheckpoint;
use crate::damage::{Damage, Fault};
use crate::layout::{self, Tile};
use crate::source::Source;
use crate::tree::{Frontier, TILE_WIDTH, edge_width, levels, perfect_root};

/// What is known of the tree that a checkpoint commits to. Holds one tile a level in memory.
#[derive(Debug)]
pub(crate) struct Tiles {
    frontier: Frontier,
    /// The full tile last checked at each level: its number and hashes.
    checked: Vec<Option<(u64, Vec<Hash>)>>,
}

impl Tiles {
    /// Reads the partial tiles and checks them against the root.
    pub(crate) fn open(source: &dyn Source, checkpoint: &SignedCheckpoint) -> Result<Self, Fault> {
        let size = checkpoint.size;
        let mut edges = Vec::new();
        for level in 0..levels(size) {
            let width = edge_width(size, level);
            edges.push(match width {
                0 => Vec::new(),
                _ => source.hashes(Tile::hashes(level, edge_number(size, level), width))?,
            });
        }
        let frontier = Frontier::from_edges(size, edges);
        if frontier.root() != checkpoint.root {
            return Err(blame(source, checkpoint, &frontier));
        }
        let checked = (0..levels(size)).map(|_| None).collect();
        Ok(Self { frontier, checked })
    }

    /// The hashes of a tile at its width in this tree.
    pub(crate) fn tile(&mut self, source: &dyn Source, level: u8, n: u64) -> Result<&[Hash], Fault> {
        if n == edge_number(self.frontier.size(), level) {
            return Ok(&self.frontier.edges()[usize::from(level)]);
        }
        let at = usize::from(level);
        if self.checked[at].as_ref().is_none_or(|(number, _)| *number != n) {
            let promised = self.tile(source, level + 1, n / TILE_WIDTH as u64)?[n as usize % TILE_WIDTH];
            let tile = Tile::hashes(level, n, TILE_WIDTH);
            let hashes = source.hashes(tile)?;
            if perfect_root(&hashes) != promised {
                return Err(first_difference(source, tile, &hashes).into());
            }
            self.checked[at] = Some((n, hashes));
        }
        Ok(self.checked[at].as_ref().map_or(&[], |(_, hashes)| hashes))
    }
}

/// The tiles of a tree, with where they are read from.
pub(crate) struct TileTree<'a> {
    source: &'a dyn Source,
    tiles: Tiles,
}

impl<'a> TileTree<'a> {
    /// Reads the partial tiles and checks them against the root.
    pub(crate) fn open(source: &'a dyn Source, checkpoint: &SignedCheckpoint) -> Result<Self, Fault> {
        Ok(Self { source, tiles: Tiles::open(source, checkpoint)? })
    }

    /// The right edge of the tree.
    pub(crate) fn frontier(&self) -> &Frontier {
        &self.tiles.frontier
    }

    /// The hashes of a tile at its width in this tree.
    pub(crate) fn tile(&mut self, level: u8, n: u64) -> Result<&[Hash], Fault> {
        self.tiles.tile(self.source, level, n)
    }

    /// Checks every tile; `checked` is told how many entries are covered so far.
    pub(crate) fn check_all(&mut self, mut checked: impl FnMut(u64)) -> Result<(), Fault> {
        for n in 0..self.frontier().size() / TILE_WIDTH as u64 {
            self.tile(0, n)?;
            checked((n + 1) * TILE_WIDTH as u64);
        }
        Ok(())
    }

    /// The root that the tree had at an earlier size: as every tile that is read for it is under the root of today, a
    /// tree with this root is a beginning of this one.
    pub(crate) fn root_at(self, size: u64) -> Result<(Self, Hash), Fault> {
        if size == 0 {
            return Ok((self, EMPTY_HASH));
        }
        let nodes = Nodes::new(self);
        let root = tree_hash(size, &nodes);
        match (root, nodes.fault.into_inner()) {
            (Ok(root), None) => Ok((nodes.tree.into_inner(), root)),
            (_, Some(fault)) => Err(fault),
            (Err(why), None) => Err(Damage::new(layout::CHECKPOINT, why.to_string()).into()),
        }
    }
}

/// The number of the partial tile at a level of a tree.
pub(crate) fn edge_number(size: u64, level: u8) -> u64 {
    size.checked_shr(8 * (u32::from(level) + 1)).unwrap_or(0)
}

/// What a tile's hashes should be, going by the files that they stand for.
fn from_below(source: &dyn Source, tile: Tile, level: u8) -> Result<Vec<Hash>, Fault> {
    if level == 0 {
        let (_, bytes) = source.tile(Tile::entries(tile.n, tile.width))?;
        let mut rest = bytes.as_slice();
        let mut hashes = Vec::with_capacity(tile.width);
        while let Some((entry, after)) = bundle::split(rest).filter(|_| hashes.len() < tile.width) {
            hashes.push(record_hash(entry));
            rest = after;
        }
        return Ok(hashes);
    }
    (0..tile.width as u64)
        .map(|at| {
            let child = Tile::hashes(level - 1, tile.n * TILE_WIDTH as u64 + at, TILE_WIDTH);
            source.hashes(child).map(|hashes| perfect_root(&hashes))
        })
        .collect()
}

/// Names a full tile that is not what the tile above says, with the first entry that differs.
fn first_difference(source: &dyn Source, tile: Tile, hashes: &[Hash]) -> Damage {
    let level = match tile.kind {
        layout::Kind::Hashes(level) => level,
        layout::Kind::Entries => 0,
    };
    let differs = from_below(source, tile, level)
        .ok()
        .and_then(|below| (0..hashes.len()).find(|at| below.get(*at) != Some(&hashes[*at])));
    let index = tile.start() + ((differs.unwrap_or(0) as u64) << (8 * u32::from(level)));
    Damage::at(tile.to_string(), index, "its hashes are not those that the tree commits to")
}

/// Finds which file makes the root come out wrong: each partial tile is computed anew from what
/// it stands for. If that mends the root, the tile was wrong; if not, what it stands for.
fn blame(source: &dyn Source, checkpoint: &SignedCheckpoint, frontier: &Frontier) -> Fault {
    let size = frontier.size();
    for level in 0..levels(size) {
        let edge = &frontier.edges()[usize::from(level)];
        if edge.is_empty() {
            continue;
        }
        let tile = Tile::hashes(level, edge_number(size, level), edge.len());
        let below = match from_below(source, tile, level) {
            Ok(below) => below,
            Err(fault) => return fault,
        };
        let Some(at) = (0..edge.len()).find(|at| below.get(*at) != Some(&edge[*at])) else {
            continue;
        };
        let index = tile.start() + ((at as u64) << (8 * u32::from(level)));
        let mut edges = frontier.edges().to_vec();
        edges[usize::from(level)] = below;
        let mended = Frontier::from_edges(size, edges).root() == checkpoint.root;
        let culprit = match level {
            _ if mended => tile,
            0 => Tile::entries(tile.n, tile.width),
            _ => Tile::hashes(level - 1, tile.n * TILE_WIDTH as u64 + at as u64, TILE_WIDTH),
        };
        // The full tile may stand in for a partial one.
        let file = source.tile(culprit).map_or(culprit, |(found, _)| found);
        return Damage::at(file.to_string(), index, "it is not what the tree commits to").into();
    }
    Damage::new(layout::CHECKPOINT, "its root hash is not that of the tiles").into()
}

/// Serves the nodes of the tree to the proofs of `tlog_tiles`.
pub(crate) struct Nodes<'a> {
    tree: RefCell<TileTree<'a>>,
    fault: RefCell<Option<Fault>>,
}

impl<'a> Nodes<'a> {
    pub(crate) fn new(tree: TileTree<'a>) -> Self {
        Self { tree: RefCell::new(tree), fault: RefCell::new(None) }
    }

    /// What went wrong in reading, if anything did.
    pub(crate) fn into_fault(self) -> Option<Fault> {
        self.fault.into_inner()
    }
}

impl HashReader for Nodes<'_> {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, Error> {
        let mut tree = self.tree.borrow_mut();
        let mut node = |index: u64| {
            let (level, n) = split_stored_hash_index(index);
            let (tile, within) = (level / 8, level % 8);
            let first = n << within;
            let hashes = tree.tile(tile, first / TILE_WIDTH as u64)?;
            let from = first as usize % TILE_WIDTH;
            Ok(perfect_root(&hashes[from..from + (1 << within)]))
        };
        indexes
            .iter()
            .map(|index| {
                node(*index).map_err(|fault| {
                    self.fault.replace(Some(fault));
                    Error::InvalidTile
                })
            })
            .collect()
    }
}
