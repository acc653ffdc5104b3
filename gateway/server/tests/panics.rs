//! The hook is the process's, so this test has a process of its own.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use dialog_gateway::telemetry::panics;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_panic_says_where_and_never_what() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false).finish();
    tracing::subscriber::with_default(subscriber, || {
        panics::say_where();
        let ended = std::panic::catch_unwind(|| panic!("of 14838541241"));
        let _ = std::panic::take_hook();
        assert!(ended.is_err());
    });
    let said = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(said.contains("tests/panics.rs:"), "{said}");
    assert!(!said.contains("14838541241"), "{said}");
}
