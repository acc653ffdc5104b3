//! Consistency proofs of RFC 6962, verified by the algorithm of RFC 9162, section 2.1.4.2.

use sha2::{Digest, Sha256};

type Hash = [u8; 32];

/// The root of the tree without entries.
#[must_use]
pub fn empty_root() -> Hash {
    Sha256::digest(b"").into()
}

fn node(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// Whether the tree of `size` entries with `root` continues the one of `old` entries with `old_root`.
#[must_use]
pub fn continues(old: u64, old_root: &Hash, size: u64, root: &Hash, proof: &[Hash]) -> bool {
    if old == size {
        return proof.is_empty() && old_root == root;
    }
    if old == 0 {
        return proof.is_empty();
    }
    if old > size || proof.is_empty() {
        return false;
    }
    let first = if old.is_power_of_two() { vec![*old_root] } else { Vec::new() };
    let path: Vec<&Hash> = first.iter().chain(proof).collect();
    let (mut at_old, mut at_new) = (old - 1, size - 1);
    while at_old & 1 == 1 {
        at_old >>= 1;
        at_new >>= 1;
    }
    let (mut from_old, mut from_new) = (*path[0], *path[0]);
    for hash in &path[1..] {
        if at_new == 0 {
            return false;
        }
        if at_old & 1 == 1 || at_old == at_new {
            from_old = node(hash, &from_old);
            from_new = node(hash, &from_new);
            while at_old & 1 == 0 && at_old != 0 {
                at_old >>= 1;
                at_new >>= 1;
            }
        } else {
            from_new = node(&from_new, hash);
        }
        at_old >>= 1;
        at_new >>= 1;
    }
    from_old == *old_root && from_new == *root && at_new == 0
}
