//! Opening: what is on disk is checked before a byte of it is extended.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tokio::sync::mpsc;

use super::shared::{Retired, Shared};
use super::tiler::Tiler;
use super::writer::Writer;
use super::{Log, LogConfig, Open, OpenCheck, OpenError, Recovery, Threads};
use crate::checkpoint::{SignedCheckpoint, origin_is_valid};
use crate::damage::{Damage, Fault};
use crate::folder::Folder;
use crate::journal::recovery::{Recovered, recover};
use crate::key::VerifierKeys;
use crate::layout::{self, Tile};
use crate::limits::{MAX_CHECKPOINT_BYTES, MAX_SEGMENT_BYTES, MIN_SEGMENT_BYTES};
use crate::tiles::{TileTree, edge_number};
use crate::tree::{Frontier, TILE_WIDTH, edge_width};
use crate::verify::{check_bundle, check_overlap};

pub(super) fn open(mut config: LogConfig) -> Result<Log, OpenError> {
    check_config(&mut config)?;
    let folder = Folder::new(&config.dir);
    let lock = lock(&config)?;
    remove_unfinished(&config)?;

    let LogConfig { origin, signers, disk, .. } = config;
    let keys = VerifierKeys::of(&signers)?;
    let (mut tiler, checkpoint, recovered) = match read_checkpoint(&folder, &origin, &keys)? {
        None => {
            let tree = Frontier::default();
            let tiler = Tiler::new(origin.clone(), signers, Arc::clone(&disk), &config.dir, tree, vec![]);
            let first = tiler.write_checkpoint(&Frontier::default()).map_err(Fault::io(layout::CHECKPOINT))?;
            (tiler, first, Recovered::default())
        }
        Some(checkpoint) => {
            let (frontier, bundle, recovered) = check(&folder, &checkpoint, config.check)?;
            let dir = &config.dir;
            let tiler = Tiler::new(origin.clone(), signers, Arc::clone(&disk), dir, frontier, bundle);
            (tiler, checkpoint, recovered)
        }
    };

    let (checkpoint, carried_over) =
        carry_over(&mut tiler, &folder, checkpoint, &recovered, config.sizes.step_entries)?;
    empty_journal(&tiler, &config.dir, recovered.last_number)?;
    let recovery = Recovery { carried_over, torn: recovered.torn };
    if recovery != Recovery::default() {
        tracing::info!(carried_over, torn = ?recovery.torn, "the audit log was not closed in good order and was mended");
    }

    let shared = Arc::new(Shared::new(
        folder.clone(),
        origin,
        config.sizes,
        config.pace,
        disk,
        Arc::new(checkpoint),
        recovered.last_number + 1,
    ));
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
        folder,
    })))
}

fn check_config(config: &mut LogConfig) -> Result<(), OpenError> {
    let refuse = |what: String| Err(OpenError::Config(what));
    let origin = &config.origin;
    if !origin_is_valid(origin) {
        return refuse(format!("{origin:?} is no origin: it must be one word without \"+\""));
    }
    if config.signers.is_empty() {
        return refuse(format!("the log {origin:?} has no signing key"));
    }
    if let Some(other) = config.signers.iter().find(|key| key.name() != origin) {
        let name = other.name();
        return refuse(format!("the signing key {name:?} is not named as the log {origin:?} is"));
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

/// The folder's checkpoint, or `None` if nothing was ever appended in it.
fn read_checkpoint(folder: &Folder, origin: &str, keys: &VerifierKeys) -> Result<Option<SignedCheckpoint>, OpenError> {
    let Some(note) = folder.read(layout::CHECKPOINT, MAX_CHECKPOINT_BYTES)? else {
        let journal = recover(folder.path(), origin, 0)?;
        if folder.path().join("tile").exists() || journal.last_number > 0 {
            let what = "it is missing, though the folder holds tiles or a journal";
            return Err(Damage::new(layout::CHECKPOINT, what).into());
        }
        return Ok(None);
    };
    let checkpoint = SignedCheckpoint::verify(&note, keys)?;
    if checkpoint.origin != origin {
        return Err(OpenError::OtherLog { found: checkpoint.origin, expected: origin.to_owned() });
    }
    Ok(Some(checkpoint))
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
            for n in 0..size / TILE_WIDTH as u64 {
                check_bundle(folder, &mut tree, n)?;
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
    mut checkpoint: SignedCheckpoint,
    recovered: &Recovered,
    step_entries: usize,
) -> Result<(SignedCheckpoint, u64), OpenError> {
    let covered = recovered.first_index.map_or(0, |first| checkpoint.size - first);
    let entries: &[Bytes] = recovered.entries.get(covered as usize..).unwrap_or(&[]);
    // Refused before anything is written: a tree that reaches further than what is known of it
    // was written by a log that had forgotten less.
    check_nothing_beyond(folder, checkpoint.size + entries.len() as u64)?;
    for step in entries.chunks(step_entries.max(1)) {
        checkpoint = tiler.publish(step).map_err(Fault::io("tile"))?;
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
