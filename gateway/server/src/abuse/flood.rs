//! What a connection may carry beside requests and their bodies: frames that ask for nothing, such as HTTP/2's pings,
//! settings, window updates, empty or padded data, cost the server work and the sender almost nothing (CVE-2019-9512,
//! 9515, 9517, 9518 and their kin). One bound covers them all, also those that nobody has found yet: every byte that comes
//! is spent from an allowance, and what is of use earns it back. Whoever has spent it all is cut off.
//!
//! A caller of good will never comes near: what belongs to no request is some bytes for each reply.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    task::{Context, Poll, ready},
    time::Instant,
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{
    limits::{
        BESIDE_BYTES, BESIDE_BYTES_OF_A_REQUEST, BESIDE_BYTES_PER_SECOND, BESIDE_MOST_BYTES, BESIDE_WRITTEN_SHARE,
    },
    telemetry::metrics::doors::Cut,
};

/// What a connection may still carry, in bytes.
#[derive(Debug, Default)]
pub struct Allowance {
    left: Mutex<Left>,
    cut: OnceLock<Cut>,
}

#[derive(Debug)]
struct Left {
    bytes: u64,
    at: Instant,
}

impl Default for Left {
    fn default() -> Self {
        Self { bytes: BESIDE_BYTES, at: Instant::now() }
    }
}

impl Allowance {
    /// A request has come.
    pub fn request(&self) {
        self.earn(BESIDE_BYTES_OF_A_REQUEST);
    }

    /// Bytes of use have come.
    pub fn earn(&self, bytes: u64) {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.bytes = left.bytes.saturating_add(bytes).min(BESIDE_MOST_BYTES);
    }

    /// Why the connection was cut off, where it was. What serves it tells no two errors of its stream apart.
    #[must_use]
    pub fn cut(&self) -> Option<Cut> {
        self.cut.get().copied()
    }

    /// Bytes have come, of use or not; none where it was too many.
    fn spend(&self, bytes: usize, now: Instant) -> Option<()> {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        if left.bytes < BESIDE_BYTES {
            let milliseconds = u64::try_from(now.saturating_duration_since(left.at).as_millis()).unwrap_or(u64::MAX);
            let grown = milliseconds.saturating_mul(BESIDE_BYTES_PER_SECOND) / 1000;
            // What is less than a byte is not lost between two reads.
            if grown > 0 {
                left.bytes = left.bytes.saturating_add(grown).min(BESIDE_BYTES);
                left.at = now;
            }
        } else {
            left.at = now;
        }
        left.bytes = left.bytes.checked_sub(u64::try_from(bytes).unwrap_or(u64::MAX))?;
        Some(())
    }
}

/// A connection whose allowance is kept.
pub struct Metered<S> {
    stream: S,
    allowance: Arc<Allowance>,
}

/// The connection carried too much that asked for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the connection carries a flood of what asks for nothing")]
pub struct Flood;

impl<S> Metered<S> {
    /// Spends what comes on `stream` from `allowance`.
    pub const fn new(stream: S, allowance: Arc<Allowance>) -> Self {
        Self { stream, allowance }
    }

    fn written(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &written {
            // Whoever reads a reply acknowledges it in small frames.
            Poll::Ready(Ok(bytes)) => {
                self.allowance.earn(u64::try_from(*bytes).unwrap_or(0) / BESIDE_WRITTEN_SHARE);
            }
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::TimedOut => {
                let _ = self.allowance.cut.set(Cut::Standstill);
            }
            _ => {}
        }
        written
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, into))?;
        match self.allowance.spend(into.filled().len() - before, Instant::now()) {
            Some(()) => Poll::Ready(Ok(())),
            None => {
                let _ = self.allowance.cut.set(Cut::Flood);
                Poll::Ready(Err(io::Error::other(Flood)))
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.written(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const MUCH: usize = BESIDE_BYTES as usize;

    #[test]
    fn what_asks_for_nothing_is_let_through_to_its_bound_and_no_further() {
        let (allowance, now) = (Allowance::default(), Instant::now());
        assert!(allowance.spend(MUCH, now).is_some());
        assert!(allowance.spend(1, now).is_none());
    }

    #[test]
    fn requests_and_their_bodies_are_never_a_flood() {
        let (allowance, now) = (Allowance::default(), Instant::now());
        for _ in 0..10_000 {
            assert!(allowance.spend(4096 + 100_000, now).is_some());
            allowance.request();
            allowance.earn(100_000);
        }
    }

    #[test]
    fn the_little_that_a_quiet_connection_carries_goes_on_for_ever() {
        let allowance = Allowance::default();
        let mut now = Instant::now();
        // 128 event streams, each acknowledged ten times a second, for a day.
        for _ in 0..24 * 3600 * 10 {
            now += Duration::from_millis(100);
            assert!(allowance.spend(128 * 26, now).is_some());
        }
    }

    #[test]
    fn what_requests_have_earned_cannot_be_saved_up_without_end() {
        let (allowance, now) = (Allowance::default(), Instant::now());
        for _ in 0..1_000_000 {
            allowance.request();
        }
        assert!(allowance.spend(BESIDE_MOST_BYTES as usize + 1, now).is_none());
    }
}
