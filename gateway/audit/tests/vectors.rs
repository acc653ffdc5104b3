//! Published vectors, through a log in a folder: what others computed, this log computes too.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use dialog_audit::disk::UnsyncedDisk;
use dialog_audit::{
    Hash, Log, LogConfig, Proof, ReadError, Reader, SignedCheckpoint, SigningKey, VerifierKeys, generate_key, verify,
};
use tempfile::TempDir;
use tlog_tiles::{check_tree, record_hash};

/// The leaves of the Certificate Transparency project's reference tree.
const LEAVES: [&[u8]; 8] = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    b"\x50\x51\x52\x53\x54\x55\x56\x57",
    b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
];

/// Its root at each size from 1.
const ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

/// Inclusion: index, size, proof from the leaf to the root.
const INCLUSION: [(u64, u64, &[&str]); 5] = [
    (0, 1, &[]),
    (
        0,
        8,
        &[
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        5,
        8,
        &[
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (2, 3, &["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    (
        1,
        5,
        &[
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
];

/// Consistency: old size, new size, proof.
const CONSISTENCY: [(u64, u64, &[&str]); 5] = [
    (1, 1, &[]),
    (
        1,
        8,
        &[
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        6,
        8,
        &[
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (
        2,
        5,
        &[
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
    (
        6,
        7,
        &[
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
];

fn hex(hash: Hash) -> String {
    hash.0.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A log that grew entry by entry, with its checkpoint at each size from 0.
struct Grown {
    folder: TempDir,
    keys: VerifierKeys,
    checkpoints: Vec<SignedCheckpoint>,
}

impl Grown {
    fn new<E: AsRef<[u8]>>(entries: impl IntoIterator<Item = E>) -> Self {
        let (folder, key) = (TempDir::new().unwrap(), generate_key("example.test/log").unwrap());
        let keys = VerifierKeys::parse(&key.verifier).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut checkpoints = Vec::new();
        for entry in entries.into_iter().map(Some).chain([None]) {
            let mut config = LogConfig::new(folder.path(), SigningKey::parse(&key.private).unwrap());
            config.disk = Arc::new(UnsyncedDisk);
            config.sizes.segment_bytes = 128 * 1024;
            let log = Log::open(config).unwrap();
            checkpoints.push((*log.published()).clone());
            runtime.block_on(async {
                if let Some(entry) = entry {
                    log.append(entry.as_ref().to_vec()).await.unwrap();
                }
                log.close().await.unwrap();
            });
        }
        Self { folder, keys, checkpoints }
    }

    fn at(&self, size: u64) -> Reader {
        let checkpoint = self.checkpoints[usize::try_from(size).unwrap()].clone();
        Reader::as_of(Arc::new(dialog_audit::Folder::new(self.folder.path())), checkpoint)
    }
}

#[test]
fn a_log_of_the_reference_leaves_has_their_roots_and_gives_their_proofs() {
    let grown = Grown::new(LEAVES);
    for (checkpoint, (size, root)) in grown.checkpoints[1..].iter().zip((1..).zip(ROOTS)) {
        assert_eq!((checkpoint.size, hex(checkpoint.root).as_str()), (size, root));
    }
    for (index, size, expected) in INCLUSION {
        let proof = grown.at(size).proof(index).unwrap();
        assert_eq!(proof.hashes.iter().copied().map(hex).collect::<Vec<_>>(), expected, "{index} of {size}");
        let proven = Proof::parse(&proof.to_string()).unwrap().verify(None, &grown.keys).unwrap();
        assert_eq!(proven.entry, LEAVES[usize::try_from(index).unwrap()], "{index} of {size}");
    }
    for (old, new, expected) in CONSISTENCY {
        let proof = grown.at(new).consistency_proof(old).unwrap();
        assert_eq!(proof.iter().copied().map(hex).collect::<Vec<_>>(), expected, "{old} to {new}");
    }
}

/// `SUBPROOF` of RFC 6962, section 2.1.2, straight from its definition.
fn subproof(old: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
    let size = leaves.len();
    if old == size {
        return if whole { vec![] } else { vec![naive_root(leaves)] };
    }
    let split = size.next_power_of_two() / 2;
    let (left, right) = leaves.split_at(split);
    let (mut proof, beside) = if old <= split {
        (subproof(old, left, whole), naive_root(right))
    } else {
        (subproof(old - split, right, false), naive_root(left))
    };
    proof.push(beside);
    proof
}

/// The tree hash of RFC 6962, section 2.1, straight from its definition.
fn naive_root(leaves: &[Hash]) -> Hash {
    match leaves.len() {
        0 => tlog_tiles::EMPTY_HASH,
        1 => leaves[0],
        size => {
            let (left, right) = leaves.split_at(size.next_power_of_two() / 2);
            tlog_tiles::node_hash(naive_root(left), naive_root(right))
        }
    }
}

#[test]
fn every_consistency_proof_of_a_small_log_is_that_of_the_definition_and_proves_nothing_else() {
    const SIZE: u64 = 40;
    let grown = Grown::new((0..SIZE).map(|i| format!("entry {i}")));
    let leaves: Vec<Hash> = (0..SIZE).map(|i| record_hash(format!("entry {i}").as_bytes())).collect();
    for new in 1..=SIZE {
        let (reader, root) = (grown.at(new), grown.checkpoints[new as usize].root);
        for old in 1..=new {
            let proof = reader.consistency_proof(old).unwrap();
            let expected = subproof(old as usize, &leaves[..new as usize], true);
            assert!(proof == expected, "{old} to {new}");
            let before = grown.checkpoints[old as usize].root;
            check_tree(&proof, new, root, old, before).unwrap();
            // Not for another size, nor for another root.
            assert!(old == new || check_tree(&proof, new, root, old, record_hash(b"another")).is_err(), "{old}, {new}");
            assert!(old < 2 || check_tree(&proof, new, root, old - 1, before).is_err(), "{old} to {new}");
        }
        for none in [0, new + 1, u64::MAX] {
            assert!(matches!(reader.consistency_proof(none), Err(ReadError::Beyond { .. })), "{none} to {new}");
        }
    }
}

fn files(dir: &Path, under: &str, found: &mut BTreeSet<String>) {
    for item in std::fs::read_dir(dir.join(under)).unwrap() {
        let item = item.unwrap();
        let path = format!("{under}/{}", item.file_name().into_string().unwrap());
        if item.file_type().unwrap().is_dir() {
            files(dir, &path, found);
        } else {
            found.insert(path);
        }
    }
}

/// C2SP tlog-tiles says which tiles a tree of 70,000 entries has: 273 full ones and one of 112 hashes at level 0, one full
/// and one of 17 at level 1, one of a single hash at level 2; and as many bundles of entries as tiles at level 0.
#[test]
fn the_folder_of_seventy_thousand_entries_is_the_one_that_the_specification_describes() {
    let (folder, key) = (TempDir::new().unwrap(), generate_key("example.test/log").unwrap());
    let mut config = LogConfig::new(folder.path(), SigningKey::parse(&key.private).unwrap());
    config.disk = Arc::new(UnsyncedDisk);
    // Tiles of one tree only, not of those on the way to it.
    config.pace.integrate_every = std::time::Duration::from_secs(3600);
    let log = Log::open(config).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        let writers: Vec<_> = (0..70_u32)
            .map(|writer| {
                let log = log.clone();
                tokio::spawn(async move {
                    for serial in 0..1000_u32 {
                        log.append(format!("{writer} {serial}")).await.unwrap();
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.await.unwrap();
        }
        log.close().await.unwrap();
    });
    let mut expected = BTreeSet::new();
    for kind in ["0", "entries"] {
        expected.extend((0..273).map(|n| format!("tile/{kind}/{n:03}")));
        expected.insert(format!("tile/{kind}/273.p/112"));
    }
    for path in ["tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"] {
        expected.insert(path.to_owned());
    }
    let mut found = BTreeSet::new();
    files(folder.path(), "tile", &mut found);
    assert_eq!(found, expected);
    let keys = VerifierKeys::parse(&key.verifier).unwrap();
    assert_eq!(verify(folder.path(), &keys, |_| {}).unwrap().size, 70_000);
}

/// The example of C2SP tlog-checkpoint. Its key is not published.
#[test]
fn the_example_of_a_checkpoint_is_read() {
    let note = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\u{2014} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n";
    let read = SignedCheckpoint::unverified(note.as_bytes()).unwrap();
    assert_eq!((read.origin.as_str(), read.size), ("example.com/behind-the-sofa", 20_852_163));
    assert_eq!(read.root.to_string(), "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=");
    assert_eq!(read.signed_by().collect::<Vec<_>>(), [("example.com/behind-the-sofa", 0x033d_e0ae)]);
    // One that says something else in one of its lines is none.
    for (from, to) in [
        ("20852163", "020852163"),
        ("20852163", "+20852163"),
        ("20852163", "-1"),
        ("20852163", "18446744073709551615"),
        ("CsUY", "CsU"),
        ("q2I=\n\n", "q2I=\n\nextension\n"),
        ("example.com/behind-the-sofa\n", "\n"),
    ] {
        let wrong = note.replacen(from, to, 1);
        assert!(SignedCheckpoint::unverified(wrong.as_bytes()).is_err(), "{to:?}");
    }
}
