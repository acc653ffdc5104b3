//! How many bytes a log says that its files have.

use super::*;

/// What the files of a folder have in all, by looking at each.
fn weight(folder: &Path) -> u64 {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|item| item.unwrap().path())
        .map(|path| match path.metadata().unwrap() {
            found if found.is_dir() => weight(&path),
            found => found.len(),
        })
        .sum()
}

#[test]
fn a_log_knows_how_many_bytes_its_files_have_whatever_was_written_replaced_and_removed() {
    let bench = Bench::new();
    let weighs = |log: &Log| {
        let bytes = log.status().file_bytes;
        assert_eq!(bytes, weight(&bench.dir()));
        bytes
    };
    // Full tiles in place of partial ones, step by step.
    let log = bench.open_brisk();
    for size in [3, 100, 300, 900] {
        bench.append_many(&log, size - log.size() as usize);
        bench.wait_until_published(&log, size as u64);
    }
    // The segments that the journal has.
    assert!(log.status().file_bytes >= 128 * 1024);
    bench.close(log.clone());
    let before = weighs(&log);
    // Each entry with its length and its hash, and partial tiles that nobody has removed yet: the journal is empty.
    let entries: usize = bench.stored(&bench.dir()).iter().map(|entry| entry.len() + 2 + 32).sum();
    assert!((entries..2 * entries).contains(&(before as usize)), "{before}, of which entries are {entries}");
    drop(log);

    // Counted on from what was found; the journal stays where nobody closes the log.
    let log = bench.open();
    bench.append_many(&log, 50);
    drop(log);
    let log = bench.open();
    let record = r#"{"time":"2026-01-01T00:00:00Z","kind":"retention","details":{"to":"512"}}"#;
    let record = bench.append(&log, record);
    bench.close(log.clone());
    let grown = weighs(&log);
    assert!(grown > before, "{grown} after {before}");

    // What is removed after its time.
    let gone: u64 = ["000", "001"].map(|n| weight_of(&bench, n)).iter().sum();
    assert_eq!(log.remove(Removed { to: 512, record }).unwrap(), 2);
    assert_eq!(weighs(&log), grown - gone + "512 950\n".len() as u64);
}

fn weight_of(bench: &Bench, n: &str) -> u64 {
    bench.dir().join(layout::ENTRIES).join(n).metadata().unwrap().len()
}

#[test]
fn a_log_on_a_full_disk_knows_it_too() {
    let bench = Bench::new();
    let disk = SimulatedDisk::default();
    let mut config = bench.config(&bench.dir());
    config.disk = Arc::new(disk.clone());
    let log = Log::open(config).unwrap();
    bench.append_many(&log, 10);
    // Room for a part of a segment, which is given back.
    disk.set_room(Some(64 * 1024));
    let refused = |_| bench.runtime.block_on(log.append(vec![b'x'; 3000])).is_err();
    assert!((0..100).any(refused));
    disk.set_room(None);
    bench.append_many(&log, 10);
    bench.close(log.clone());
    assert_eq!(log.status().file_bytes, weight(&bench.dir()));
}
