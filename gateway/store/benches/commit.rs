//! Durable commits of 1 KB a second, by number of callers, beside a plain appended file with one fsync a group.
//!
//! Run with `cargo bench -p dialog-store`; a number of seconds per row may follow `--`.

use std::fs::File;
use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use async_trait::async_trait;
use dialog_core::ports::store::{Batch, Store};
use dialog_store::{SledConfig, SledStore};
use tokio::sync::{mpsc, oneshot};

const VALUE_BYTES: usize = 1024;
const CALLERS: [usize; 4] = [1, 16, 64, 256];

/// Something that makes 1 KB durable.
#[async_trait]
trait Durable: Send + Sync + 'static {
    async fn write(&self, caller: usize, number: u64) -> Result<()>;
}

#[async_trait]
impl Durable for SledStore {
    async fn write(&self, caller: usize, number: u64) -> Result<()> {
        let mut batch = Batch::default();
        let key = [&(caller as u64).to_be_bytes()[..], &number.to_be_bytes()].concat();
        batch.put(key, vec![number as u8; VALUE_BYTES]);
        self.commit(batch).await?;
        Ok(())
    }
}

/// The least that durability costs: append what waits, fsync, answer.
struct AppendedFile {
    queue: mpsc::Sender<oneshot::Sender<()>>,
}

impl AppendedFile {
    fn create(mut file: File) -> Self {
        let (queue, mut waiting) = mpsc::channel::<oneshot::Sender<()>>(1024);
        std::thread::spawn(move || -> Result<()> {
            while let Some(first) = waiting.blocking_recv() {
                let mut group = vec![first];
                while let Ok(next) = waiting.try_recv() {
                    group.push(next);
                }
                file.write_all(&vec![7; group.len() * VALUE_BYTES])?;
                file.sync_data()?;
                for reply in group {
                    let _ = reply.send(());
                }
            }
            Ok(())
        });
        Self { queue }
    }
}

#[async_trait]
impl Durable for AppendedFile {
    async fn write(&self, _: usize, _: u64) -> Result<()> {
        let (reply, done) = oneshot::channel();
        self.queue.send(reply).await?;
        done.await?;
        Ok(())
    }
}

async fn measure(name: &str, durable: Arc<dyn Durable>, callers: usize, time: Duration) -> Result<()> {
    let begun = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|caller| {
            let durable = Arc::clone(&durable);
            tokio::spawn(async move {
                let mut waits = Vec::new();
                while begun.elapsed() < time {
                    let asked = Instant::now();
                    durable.write(caller, waits.len() as u64).await?;
                    waits.push(asked.elapsed());
                }
                anyhow::Ok(waits)
            })
        })
        .collect();
    let mut waits = Vec::new();
    for task in tasks {
        waits.extend(task.await??);
    }
    let elapsed = begun.elapsed();
    waits.sort_unstable();
    let at = |share: f64| waits.get(((waits.len() - 1) as f64 * share) as usize).copied().unwrap_or_default();
    writeln!(
        std::io::stdout(),
        "{name:<16}{callers:>8}{:>14.0}{:>12.2}{:>12.2}",
        waits.len() as f64 / elapsed.as_secs_f64(),
        at(0.50).as_secs_f64() * 1000.0,
        at(0.99).as_secs_f64() * 1000.0,
    )?;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    // Cargo passes `--bench`.
    let seconds = std::env::args().skip(1).find(|word| !word.starts_with("--"));
    let seconds = seconds.map_or(Ok(3), |word| word.parse()).context("the number of seconds per row")?;
    let time = Duration::from_secs(seconds);
    writeln!(std::io::stdout(), "{:<16}{:>8}{:>14}{:>12}{:>12}", "", "callers", "commits/s", "p50 ms", "p99 ms")?;
    for callers in CALLERS {
        let folder = tempfile::tempdir()?;
        let file = AppendedFile::create(File::create(folder.path().join("appended"))?);
        measure("appended file", Arc::new(file), callers, time).await?;
        let store = Arc::new(SledStore::open(folder.path().join("store"), SledConfig::default()).await?);
        measure("store on sled", Arc::<SledStore>::clone(&store), callers, time).await?;
        store.close().await;
    }
    Ok(())
}
