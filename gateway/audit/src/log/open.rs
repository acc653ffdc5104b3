//! Opening: what is on disk is checked before a byte of it is extended.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::board::Board;
use super::shared::{Retired, Shared};
use super::tiler::{self, Signed, Tiler};
use super::writer::Writer;
use super::{KeyChange, Log, LogConfig, Open, OpenCheck, OpenError, Published, Recovery, Threads, WhenSealed};
use crate::checkpoint::SignedCheckpoint;
use crate::damage::{Damage, Fault};
use crate::disk::Disk;
use crate::folder::Folder;
use crate::journal::recovery::{Recovered, recover};
use crate::key::{KeyKind, VerifierKey, VerifierKeys, name_is_valid};
use crate::layout::{self, Tile};
use crate::limits::{MAX_CHECKPOINT_BYTES, MAX_SEGMENT_BYTES, MIN_SEGMENT_BYTES};
use crate::reader::Reader;
use crate::seal::{self, Successor};
use crate::tiles::{TileTree, edge_number};
use crate::tree::{Frontier, TILE_WIDTH, edge_width};
use crate::verify::{check_bundle, check_bundle_or_removal, check_overlap};
use crate::weighed::Weighed;

pub(super) fn open(mut config: LogConfig) -> Result<Log, OpenError> {
    check_config(&mut config)?;
    let folder = Folder::new(&config.dir);
    let lock = lock(&config)?;
    remove_unfinished(&config)?;
    let weighed = Weighed::new(Arc::clone(&config.disk), &config.dir).map_err(Fault::io(layout::TILES))?;
    let weighed = Arc::new(weighed);

    let own: Vec<VerifierKey> =
        config.signers.iter().map(|key| VerifierKey::parse(&key.verifier_key())).collect::<Result<_, _>>()?;
    let witnesses = config.policy.iter().flat_map(|policy| policy.witnesses()).map(|witness| witness.key.clone());
    let keys = VerifierKeys::new(own.iter().cloned().chain(config.former.iter().cloned()).chain(witnesses))?;
    let found = find(&folder, &config.origin, &keys)?;
    let publishes = !config.policy.as_ref().is_some_and(|policy| policy.needs_witnesses());

    let LogConfig { origin, signers, .. } = config;
    let disk: Arc<dyn Disk> = Arc::clone(&weighed) as _;
    let dir = &config.dir;
    let (mut tiler, board, anchor, recovered) = match &found {
        None => {
            // The empty tree commits to nothing: it is public without anybody's leave.
            let tree = Frontier::default();
            let first = tiler::sign(&origin, &tree, &signers).map_err(Fault::io(layout::CHECKPOINT))?;
            let board = Arc::new(Board::new(Arc::clone(&disk), dir, Arc::clone(&first), SystemTime::now()));
            board.put(Arc::clone(&first), |_| false).map_err(Fault::io(layout::CHECKPOINT))?;
            let signed = Signed::of(publishes, &board);
            let tiler = Tiler::new(origin.clone(), signers, Arc::clone(&disk), dir, signed, tree, vec![]);
            (tiler, board, first, Recovered::default())
        }
        Some(Found { public, signed }) => {
            let anchor = signed.as_ref().unwrap_or(public);
            let (frontier, bundle, recovered) = check(&folder, anchor, config.check)?;
            if signed.is_some() {
                // The tree that is public must be a beginning of the one that goes on.
                TileTree::open(&folder, public)?;
            }
            let (public, anchor) = (Arc::new(public.clone()), Arc::new(anchor.clone()));
            let since = folder.path().join(layout::CHECKPOINT).metadata().and_then(|file| file.modified());
            let since = since.unwrap_or_else(|_| SystemTime::now());
            let board = Arc::new(Board::new(Arc::clone(&disk), dir, public, since));
            let signed = Signed::of(publishes, &board);
            let tiler = Tiler::new(origin.clone(), signers, Arc::clone(&disk), dir, signed, frontier, bundle);
            (tiler, board, anchor, recovered)
        }
    };

    let key_change = found.as_ref().and_then(|_| key_change(&anchor, &own, &keys));
    let (mut signed, carried_over) = carry_over(&mut tiler, &folder, anchor, &recovered, config.sizes.step_entries)?;
    let was_inside = found.as_ref().is_some_and(|found| found.signed.is_some());
    if carried_over == 0 && (key_change.is_some() || was_inside == publishes) {
        let file = if publishes { layout::CHECKPOINT } else { layout::SIGNED };
        signed = tiler.sign_again().map_err(Fault::io(file))?;
    }
    if publishes && was_inside {
        // What it says is public now; left behind it would grow old.
        let journal = dir.join(layout::JOURNAL);
        let remove = disk.remove_file(&dir.join(layout::SIGNED)).and_then(|()| disk.sync_dir(&journal));
        remove.map_err(Fault::io(layout::SIGNED))?;
    }
    empty_journal(&tiler, dir, recovered.last_number)?;
    let sealed = successor(&folder, &signed)?;
    if let (Some(successor), WhenSealed::Refuse) = (&sealed, config.when_sealed) {
        return Err(OpenError::Sealed { successor: successor.clone() });
    }
    let recovery = Recovery { carried_over, torn: recovered.torn };
    if recovery != Recovery::default() {
        tracing::info!(carried_over, torn = ?recovery.torn, "the audit log was not closed in good order and was mended");
    }

    let shared = Arc::new(Shared::new(
        folder.clone(),
        origin,
        config.sizes,
        config.pace,
        weighed,
        board,
        signed,
        recovered.last_number + 1,
    ));
    if sealed.is_some() {
        shared.halt("the log is sealed".into());
    }
    let (queue, appends) = mpsc::channel(shared.sizes.waiting);
    let writer = Writer::new(Arc::clone(&shared), appends);
    let spawn = |name: &str, work: Box<dyn FnOnce() + Send>| {
        std::thread::Builder::new().name(name.to_owned()).spawn(work).map_err(Fault::io(name))
    };
    let writer = spawn("audit-writer", Box::new(move || writer.run()))?;
    let tiler_shared = Arc::clone(&shared);
    let tiler = spawn("audit-tiler", Box::new(move || tiler.run(&tiler_shared)))?;
    Ok(Log(Arc::new(Open {
        shared,
        queue: Mutex::new(Some(queue)),
        threads: Mutex::new(Some(Threads { writer, tiler, lock })),
        recovery,
        key_change,
        successor: sealed,
        keys,
        policy: config.policy,
        folder,
    })))
}

fn check_config(config: &mut LogConfig) -> Result<(), OpenError> {
    let refuse = |what: String| Err(OpenError::Config(what));
    let origin = &config.origin;
    if !name_is_valid(origin) {
        return refuse(format!("{origin:?} is no origin: it must be one word without \"+\""));
    }
    if config.signers.is_empty() {
        return refuse(format!("the log {origin:?} has no signing key"));
    }
    if let Some(other) = config.signers.iter().find(|key| key.name() != origin) {
        let name = other.name();
        return refuse(format!("the signing key {name:?} is not named as the log {origin:?} is"));
    }
    if config.signers.iter().any(|key| !key.kind().is_for_logs()) {
        return refuse(format!("a key of a witness cannot sign for the log {origin:?}"));
    }
    // What witnesses take, and what every reader knows; a key of another kind signs beside it.
    if !config.signers.iter().any(|key| key.kind() == KeyKind::Ed25519) {
        return refuse(format!("the log {origin:?} has no Ed25519 key"));
    }
    if let Some(key) = config.former.iter().find(|key| key.name() != origin || !key.kind().is_for_logs()) {
        return refuse(format!("the former key {:?} is none of the log {origin:?}", key.name()));
    }
    if let Some(policy) = &config.policy {
        let is_own = |key: &VerifierKey| config.signers.iter().any(|own| own.verifier_key() == key.to_string());
        if !policy.logs().is_empty() && !policy.logs().iter().any(|log| is_own(&log.key)) {
            return refuse(format!("the policy's logs have none of the keys that sign for {origin:?}"));
        }
    }
    let sizes = &mut config.sizes;
    sizes.segment_bytes = sizes.segment_bytes.next_multiple_of(4096);
    if !(MIN_SEGMENT_BYTES..=MAX_SEGMENT_BYTES).contains(&sizes.segment_bytes) {
        return refuse(format!(
            "a journal segment has {MIN_SEGMENT_BYTES} to {MAX_SEGMENT_BYTES} bytes, not {}",
            sizes.segment_bytes
        ));
    }
    // A group must fit in an empty segment, whatever its last entry is: half of it is entries.
    sizes.group_bytes = sizes.group_bytes.min(sizes.segment_bytes as usize / 4);
    sizes.group_entries = sizes.group_entries.clamp(1, sizes.segment_bytes as usize / 64);
    sizes.waiting = sizes.waiting.max(1);
    Ok(())
}

/// Makes the folder and takes its lock.
fn lock(config: &LogConfig) -> Result<File, OpenError> {
    let journal = config.dir.join(layout::JOURNAL);
    let make = |path: &Path| {
        config.disk.create_dir(path)?;
        config.disk.sync_dir(path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")))
    };
    make(&config.dir).map_err(Fault::io(config.dir.display().to_string()))?;
    make(&journal).map_err(Fault::io(layout::JOURNAL))?;
    let lock = fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(config.dir.join(layout::LOCK))
        .map_err(Fault::io(layout::LOCK))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => {
            return Err(OpenError::Locked { dir: config.dir.display().to_string(), file: layout::LOCK.to_owned() });
        }
        Err(fs::TryLockError::Error(why)) => return Err(Fault::io(layout::LOCK)(why).into()),
    }
    if lock.metadata().map_err(Fault::io(layout::LOCK))?.len() > 0 {
        return Err(Damage::new(layout::LOCK, "it should be empty").into());
    }
    Ok(lock)
}

/// Removes what had not got its name yet when the log was last open.
fn remove_unfinished(config: &LogConfig) -> Result<(), Fault> {
    let journal = config.dir.join(layout::JOURNAL);
    let failed = Fault::io(layout::JOURNAL);
    let remove = || -> io::Result<()> {
        for item in fs::read_dir(&journal)? {
            let path = item?.path();
            if path.to_string_lossy().ends_with(layout::UNFINISHED) {
                config.disk.remove_file(&path)?;
            }
        }
        Ok(())
    };
    remove().map_err(failed)
}

/// The checkpoints of a folder.
struct Found {
    public: SignedCheckpoint,
    /// The newest one, where that need not be public.
    signed: Option<SignedCheckpoint>,
}

/// The folder's checkpoints, or `None` if nothing was ever appended in it.
fn find(folder: &Folder, origin: &str, keys: &VerifierKeys) -> Result<Option<Found>, OpenError> {
    let Some(public) = read_checkpoint(folder, layout::CHECKPOINT, origin, keys)? else {
        let journal = recover(folder.path(), origin, 0)?;
        let inner = folder.path().join(layout::SIGNED).exists();
        if inner || folder.path().join(layout::TILES).exists() || journal.last_number > 0 {
            let what = "it is missing, though the folder holds tiles or a journal";
            return Err(Damage::new(layout::CHECKPOINT, what).into());
        }
        return Ok(None);
    };
    // Which of the two it is must be said; the keys were those of the public one a moment ago.
    let signed = read_checkpoint(folder, layout::SIGNED, origin, keys).map_err(|why| match why {
        OpenError::Checkpoint(why) => Damage::new(layout::SIGNED, why.to_string()).into(),
        other => other,
    })?;
    if let Some(signed) = &signed {
        let same_tree = signed.size != public.size || signed.root == public.root;
        if signed.size < public.size || !same_tree {
            let what = "it is of another tree than the public checkpoint, or of an older one";
            return Err(Damage::new(layout::SIGNED, what).into());
        }
    }
    Ok(Some(Found { public, signed }))
}

fn read_checkpoint(
    folder: &Folder,
    file: &str,
    origin: &str,
    keys: &VerifierKeys,
) -> Result<Option<SignedCheckpoint>, OpenError> {
    let Some(note) = folder.read(file, MAX_CHECKPOINT_BYTES)? else {
        return Ok(None);
    };
    let checkpoint = SignedCheckpoint::verify(&note, keys)?;
    if checkpoint.origin != origin {
        return Err(OpenError::OtherLog { found: checkpoint.origin, expected: origin.to_owned() });
    }
    Ok(Some(checkpoint))
}

/// Whether other keys sign than those that signed a checkpoint.
fn key_change(checkpoint: &SignedCheckpoint, own: &[VerifierKey], known: &VerifierKeys) -> Option<KeyChange> {
    let before: Vec<(&str, u32)> = checkpoint.signed_by().filter(|(name, _)| *name == checkpoint.origin).collect();
    let is_before = |key: &&VerifierKey| before.contains(&(key.name(), key.id()));
    let is_now = |(name, id): &&(&str, u32)| own.iter().any(|key| key.name() == *name && key.id() == *id);
    let change = KeyChange {
        added: own.iter().filter(|key| !is_before(key)).map(VerifierKey::to_string).collect(),
        removed: before
            .iter()
            .filter(|one| !is_now(one))
            .map(|(name, id)| known.find(name, *id).map_or_else(|| format!("{name}+{id:08x}"), VerifierKey::to_string))
            .collect(),
    };
    (change != KeyChange::default()).then_some(change)
}

/// The log that follows this one, where its last entry says so.
fn successor(folder: &Folder, checkpoint: &SignedCheckpoint) -> Result<Option<Successor>, OpenError> {
    let Some(last) = checkpoint.size.checked_sub(1) else {
        return Ok(None);
    };
    check_bundle(folder, &mut TileTree::open(folder, checkpoint)?, last / TILE_WIDTH as u64)?;
    let reader = Reader::at(folder.clone(), checkpoint.clone());
    let entry = reader.entries(last..checkpoint.size).next();
    // It was read a moment ago: what cannot be read now says nothing, and appending will.
    Ok(entry.and_then(Result::ok).and_then(|entry| seal::is_sealing(&entry.data)))
}

impl Signed {
    fn of(publishes: bool, board: &Arc<Board>) -> Self {
        if publishes { Self::Public(Arc::clone(board)) } else { Self::Journal }
    }
}

/// Checks the folder against its checkpoint, and gives what is needed to extend it.
fn check(
    folder: &Folder,
    checkpoint: &SignedCheckpoint,
    check: OpenCheck,
) -> Result<(Frontier, Vec<u8>, Recovered), Fault> {
    let size = checkpoint.size;
    let mut tree = TileTree::open(folder, checkpoint)?;
    match check {
        OpenCheck::Tiles => tree.check_all(|_| {})?,
        OpenCheck::Everything => {
            tree.check_all(|_| {})?;
            let mut removal = None;
            for n in 0..size / TILE_WIDTH as u64 {
                check_bundle_or_removal(folder, &mut tree, size, n, &mut removal)?;
            }
        }
    }
    let mut bundle = Vec::new();
    let width = edge_width(size, 0);
    if width > 0 {
        let edge = edge_number(size, 0);
        check_bundle(folder, &mut tree, edge)?;
        let (_, bytes) = folder.tile(Tile::entries(edge, width))?;
        let mut rest = bytes.as_slice();
        for _ in 0..width {
            let split = crate::bundle::split(rest);
            rest = split.map_or(&[], |(_, after)| after);
        }
        bundle = bytes[..bytes.len() - rest.len()].to_vec();
    }
    let recovered = recover(folder.path(), &checkpoint.origin, size)?;
    check_overlap(&recovered, &mut tree, size)?;
    Ok((tree.frontier().clone(), bundle, recovered))
}

/// Makes tiles of the journaled entries that the checkpoint does not cover.
fn carry_over(
    tiler: &mut Tiler,
    folder: &Folder,
    mut checkpoint: Published,
    recovered: &Recovered,
    step_entries: usize,
) -> Result<(Published, u64), OpenError> {
    let covered = recovered.first_index.map_or(0, |first| checkpoint.size - first);
    let entries: &[Bytes] = recovered.entries.get(covered as usize..).unwrap_or(&[]);
    // Refused before anything is written: a tree that reaches further than what is known of it
    // was written by a log that had forgotten less.
    check_nothing_beyond(folder, checkpoint.size + entries.len() as u64)?;
    for step in entries.chunks(step_entries.max(1)) {
        checkpoint = tiler.integrate(step).map_err(Fault::io(layout::TILES))?;
    }
    Ok((checkpoint, entries.len() as u64))
}

/// Tiles that reach beyond the checkpoint and the journal together mean that one of these went
/// back: extending the log would fork the tree.
fn check_nothing_beyond(folder: &Folder, size: u64) -> Result<(), Damage> {
    let edge = edge_number(size, 0);
    let width = edge_width(size, 0);
    for tile in [Tile::hashes(0, edge, TILE_WIDTH), Tile::entries(edge, TILE_WIDTH)] {
        let mut beyond = folder.path().join(tile.to_string()).exists().then_some(tile);
        let partials = fs::read_dir(folder.path().join(tile.partials()));
        for item in partials.into_iter().flatten().flatten() {
            let path = format!("{}/{}", tile.partials(), item.file_name().to_string_lossy());
            beyond = beyond.or(Tile::parse(&path).filter(|tile| tile.width > width));
        }
        if let Some(tile) = beyond {
            let what = format!("it reaches beyond the {size} entries that checkpoint and journal know of");
            return Err(Damage::at(tile.to_string(), size, what));
        }
    }
    Ok(())
}

/// Removes all segments: everything in them is under the checkpoint now.
fn empty_journal(tiler: &Tiler, dir: &Path, last_number: u64) -> Result<(), Fault> {
    if last_number == 0 {
        return Ok(());
    }
    let mut segments = Vec::new();
    for item in fs::read_dir(dir.join(layout::JOURNAL)).map_err(Fault::io(layout::JOURNAL))? {
        let item = item.map_err(Fault::io(layout::JOURNAL))?;
        if layout::segment_number(&item.file_name().to_string_lossy()).is_some() {
            segments.push(Retired { path: item.path(), end_index: 0 });
        }
    }
    segments.sort_by(|one, other| one.path.cmp(&other.path));
    tiler.remove_segments(&segments).map_err(Fault::io(layout::JOURNAL))
}
