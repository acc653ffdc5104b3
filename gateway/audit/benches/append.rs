//! Durable appends a second, beside a plain file with group fsync on the same disk: one that grows, and one that was
//! filled with zeros before.
//!
//! The log is there twice: alone, and with all that a gateway does beside it, five times as often: a witness that signs
//! each checkpoint before it is public, and an index that follows.
//!
//! They take turns, so that a disk that slows down slows all. Each line: callers, who, appends a second (the median of
//! the rounds), latency p50 and p99 in microseconds, appends a flush. Then the log's share of either file's rate (the
//! median of the rounds' shares), and how many bytes it wrote for each record, and where.
//!
//! `cargo bench -p dialog-audit --bench append`
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench prints, and fails loudly")]

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use dialog_audit::disk::{Disk, DiskFile, RealDisk};
use dialog_audit::index::Index;
use dialog_audit::{KeyKind, Log, LogConfig, Policy, SigningKey, generate_key, generate_key_of};
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot};

/// A record of the usual length, about 600 bytes.
const RECORD: &str = r#"{"version":1,"time":"2026-03-01T00:00:00.000Z","kind":"outcome","request":"019a0000-0000-7000-8000-000000000001","traceId":"0af7651916cd43dd8448eb211c80319c","action":"dialog.open","actor":{"role":"citizen","client":"portal","person":"dhvkOQs4c2WJOHwRNxhR81R0BCSp3V7Xm1ziI000001","level":4},"citizen":"dhvkOQs4c2WJOHwRNxhR81R0BCSp3V7Xm1ziI000001","office":8150110,"service":"consultation","dialog":"019a0000-0000-7000-9000-000000000001","call":{"plugin":"ddfl","version":"0.1.0","digest":"2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae","attempt":1,"microseconds":41200},"outcome":{"status":201,"sent":"yes"}}"#;
const ROUND: Duration = Duration::from_secs(2);
const ROUNDS: usize = 5;

/// What was written where, in bytes.
#[derive(Debug, Default)]
struct Written {
    /// Zeros that make room in the journal.
    room: AtomicU64,
    /// Groups in the journal.
    groups: AtomicU64,
    /// Tiles.
    tiles: AtomicU64,
    /// Checkpoints.
    checkpoints: AtomicU64,
}

/// The real disk, with what is written on it counted.
#[derive(Clone, Debug, Default)]
struct Counted(Arc<Written>);

struct CountedFile {
    file: Box<dyn DiskFile>,
    written: Arc<Written>,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    /// A segment, and how much of it was filled: what is written below that is groups.
    Segment {
        filled: u64,
    },
    Tile,
    Checkpoint,
}

impl Disk for Counted {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let name = path.file_name().unwrap().to_string_lossy();
        let kind = match () {
            () if name.starts_with("tile-") => Kind::Tile,
            () if name.starts_with(|first: char| first.is_ascii_digit()) => Kind::Segment { filled: 0 },
            () => Kind::Checkpoint,
        };
        Ok(Box::new(CountedFile { file: RealDisk.create(path)?, written: Arc::clone(&self.0), kind }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove_file(path)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        RealDisk.create_dir(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove_dir(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        RealDisk.sync_dir(path)
    }
}

impl DiskFile for CountedFile {
    fn write_all_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let end = offset + bytes.len() as u64;
        let counter = match &mut self.kind {
            Kind::Segment { filled } if *filled < end => {
                *filled = end;
                &self.written.room
            }
            Kind::Segment { .. } => &self.written.groups,
            Kind::Tile => &self.written.tiles,
            Kind::Checkpoint => &self.written.checkpoints,
        };
        counter.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.file.write_all_at(bytes, offset)
    }

    fn sync_data(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }
}

#[derive(Default)]
struct Measured {
    latencies: Vec<Duration>,
    /// Appends a second, round by round.
    rates: Vec<f64>,
    flushes: u64,
}

impl Measured {
    fn print(&mut self, callers: usize, who: &str) {
        self.latencies.sort_unstable();
        let count = self.latencies.len();
        let at = |part: f64| self.latencies[((count - 1) as f64 * part) as usize].as_micros();
        let grouped = count as f64 / self.flushes as f64;
        println!(
            "{callers:>4} callers  {who:<17} {:>9.0}/s  p50 {:>6} us  p99 {:>6} us  {grouped:>6.1} a flush",
            median(self.rates.clone()),
            at(0.5),
            at(0.99)
        );
    }

    /// The median of what the rounds have of another's rate in the same round.
    fn share_of(&self, other: &Self) -> f64 {
        median(self.rates.iter().zip(&other.rates).map(|(own, others)| own / others).collect())
    }
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

type Job = (Bytes, oneshot::Sender<()>);

/// What the log is compared with: entries one after the other into a file, one `fdatasync` for all that wait. The file
/// grows, or was filled with zeros before.
fn plain(path: &Path, filled: bool) -> (mpsc::Sender<Job>, std::thread::JoinHandle<u64>) {
    const LENGTH: u64 = 64 * 1024 * 1024;
    let file = File::create(path).unwrap();
    if filled {
        let zeros = vec![0_u8; 1024 * 1024];
        for at in (0..LENGTH).step_by(zeros.len()) {
            file.write_all_at(&zeros, at).unwrap();
        }
    }
    file.sync_all().unwrap();
    let (sender, mut receiver) = mpsc::channel::<Job>(1024);
    let thread = std::thread::spawn(move || {
        let (mut at, mut flushes) = (0, 0);
        let (mut buffer, mut waiting) = (Vec::new(), Vec::new());
        while let Some(first) = receiver.blocking_recv() {
            let mut next = Some(first);
            while let Some((entry, done)) = next {
                buffer.extend_from_slice(&entry);
                waiting.push(done);
                next = (waiting.len() < 1024).then(|| receiver.try_recv().ok()).flatten();
            }
            if filled && at + buffer.len() as u64 > LENGTH {
                at = 0;
            }
            file.write_all_at(&buffer, at).unwrap();
            file.sync_data().unwrap();
            at += buffer.len() as u64;
            flushes += 1;
            buffer.clear();
            for done in waiting.drain(..) {
                done.send(()).unwrap();
            }
        }
        flushes
    });
    (sender, thread)
}

fn drive<F, A>(runtime: &Runtime, callers: usize, measured: &mut Measured, append: F)
where
    F: Fn(Bytes) -> A + Clone + Send + 'static,
    A: Future<Output = ()> + Send,
{
    let entry = Bytes::from_static(RECORD.as_bytes());
    let begun = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let (append, entry) = (append.clone(), entry.clone());
            runtime.spawn(async move {
                let mut latencies = Vec::new();
                while begun.elapsed() < ROUND {
                    let asked = Instant::now();
                    append(entry.clone()).await;
                    latencies.push(asked.elapsed());
                }
                latencies
            })
        })
        .collect();
    let before = measured.latencies.len();
    for task in tasks {
        measured.latencies.extend(runtime.block_on(task).unwrap());
    }
    let count = measured.latencies.len() - before;
    measured.rates.push(count as f64 / begun.elapsed().as_secs_f64());
}

/// What a gateway does beside its log, each second.
fn beside(log: Log, witness: SigningKey, index: PathBuf, over: Arc<AtomicBool>) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let mut known: Option<Index> = None;
        while !over.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_secs(1));
            let signed = log.signed();
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
            log.publish(&format!("{}{}", signed.note, signed.cosign(&witness, now).unwrap())).unwrap();
            let reader = log.reader_at(&signed);
            known.get_or_insert_with(|| Index::open(&index, &reader).unwrap()).follow(&reader).unwrap();
        }
    })
}

fn main() {
    // `cargo test --benches` builds and starts benches too; there is nothing to test here.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let folder = tempfile::TempDir::new_in(std::env::current_dir().unwrap()).unwrap();
    let key = generate_key("bench.test/log").unwrap();
    let witness = generate_key_of("witness.test/one", KeyKind::Cosignature).unwrap();
    let policy = format!("witness one {}\nquorum one\n", witness.verifier);
    let policy = Arc::new(Policy::parse(policy.as_bytes()).unwrap());
    for callers in [1, 16, 64, 256] {
        let [mut alone, mut all_on, mut growing, mut filled] = [(); 4].map(|()| Measured::default());
        let dir = folder.path().join(format!("log-{callers}"));
        let disk = Counted::default();
        let open = |dir: &Path, disk: Arc<dyn Disk>, policy: Option<Arc<Policy>>| {
            let signer = SigningKey::parse(&key.private).unwrap();
            Log::open(LogConfig { disk, policy, ..LogConfig::new(dir, signer) }).unwrap()
        };
        let log = open(&dir, Arc::new(disk.clone()), None);
        let witnessed =
            open(&folder.path().join(format!("all-{callers}")), Arc::new(RealDisk), Some(Arc::clone(&policy)));
        let over = Arc::new(AtomicBool::new(false));
        let index = folder.path().join(format!("index-{callers}"));
        let signer = SigningKey::parse(&witness.private).unwrap();
        let company = beside(witnessed.clone(), signer, index, Arc::clone(&over));
        let files = [false, true].map(|zeros| plain(&folder.path().join(format!("plain-{zeros}")), zeros));
        for _ in 0..ROUNDS {
            for (measured, log) in [(&mut alone, &log), (&mut all_on, &witnessed)] {
                let appender = log.clone();
                drive(&runtime, callers, measured, move |entry| {
                    let log = appender.clone();
                    async move {
                        log.append(entry).await.unwrap();
                    }
                });
            }
            for (measured, (sender, _)) in [&mut growing, &mut filled].into_iter().zip(&files) {
                let sender = Arc::new(sender.clone());
                drive(&runtime, callers, measured, move |entry| {
                    let sender = Arc::clone(&sender);
                    async move {
                        let (done, written) = oneshot::channel();
                        sender.send((entry, done)).await.unwrap();
                        written.await.unwrap();
                    }
                });
            }
        }
        over.store(true, Ordering::Relaxed);
        company.join().unwrap();
        alone.flushes = log.status().groups;
        all_on.flushes = witnessed.status().groups;
        for (measured, (sender, thread)) in [&mut growing, &mut filled].into_iter().zip(files) {
            drop(sender);
            measured.flushes = thread.join().unwrap();
        }
        alone.print(callers, "log");
        all_on.print(callers, "log, all on");
        growing.print(callers, "growing file");
        filled.print(callers, "preallocated file");
        for log in [&log, &witnessed] {
            runtime.block_on(log.close()).unwrap();
        }
        for (who, measured) in [("alone", &alone), ("all on", &all_on)] {
            let (growing, filled) = (measured.share_of(&growing), measured.share_of(&filled));
            println!("              {who}: {growing:.2} of the growing file, {filled:.2} of the preallocated one");
        }
        let size = log.size() as f64;
        let bytes = |counter: &AtomicU64| counter.load(Ordering::Relaxed) as f64 / size;
        let Written { room, groups, tiles, checkpoints } = &*disk.0;
        println!(
            "              bytes a record of {}: {:.0} in the journal, {:.0} to make room in it, {:.0} in tiles, {:.0} in \
             checkpoints",
            RECORD.len(),
            bytes(groups),
            bytes(room),
            bytes(tiles),
            bytes(checkpoints),
        );
    }
}
