//! A request's body must come at a pace: who sends a byte now and then holds a permit, memory and a connection for
//! nothing, and is cut off long before the request's deadline.
//!
//! There is some patience to begin with. Waiting uses it up, every byte that comes buys some back. Only waiting counts:
//! a handler that is slow to read is not the caller's fault.

use std::{
    error::Error,
    future::Future as _,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::BoxError;
use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep};

use super::flood::Allowance;
use crate::limits::{BODY_PACE, BODY_PATIENCE};

/// The body came too slowly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body came too slowly")]
pub struct TooSlow;

impl TooSlow {
    /// Whether it is this, or was caused by it.
    #[must_use]
    pub fn is(error: &(dyn Error + 'static)) -> bool {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if error.is::<Self>() {
                return true;
            }
            cause = error.source();
        }
        false
    }
}

/// How fast a body must come.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// How long one waits at most, in one go or together, when nothing comes.
    pub patience: Duration,
    /// Bytes that buy a second of waiting.
    pub bytes_per_second: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self { patience: BODY_PATIENCE, bytes_per_second: BODY_PACE }
    }
}

/// A body that must come at a pace.
pub struct Paced<B> {
    body: B,
    pace: Pace,
    left: Duration,
    /// Since when nothing came, and until when that may be.
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
    over: bool,
    /// What comes is no flood.
    allowance: Arc<Allowance>,
}

impl<B> Paced<B> {
    /// A body whose bytes are earned back in `allowance`.
    pub const fn new(body: B, pace: Pace, allowance: Arc<Allowance>) -> Self {
        Self { body, pace, left: pace.patience, waiting: None, over: false, allowance }
    }

    fn came(&mut self, bytes: usize) {
        if let Some((since, _)) = self.waiting.take() {
            self.left = self.left.saturating_sub(since.elapsed());
        }
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.allowance.earn(bytes);
        let bought = bytes.saturating_mul(1_000_000) / u64::from(self.pace.bytes_per_second.max(1));
        self.left = self.pace.patience.min(self.left.saturating_add(Duration::from_micros(bought)));
    }
}

impl<B> Body for Paced<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        if this.over {
            return Poll::Ready(None);
        }
        match Pin::new(&mut this.body).poll_frame(context) {
            Poll::Ready(frame) => {
                let bytes = match &frame {
                    Some(Ok(frame)) => frame.data_ref().map_or(0, Bytes::len),
                    _ => 0,
                };
                this.came(bytes);
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
            Poll::Pending => {
                let left = this.left;
                let (_, until) = this.waiting.get_or_insert_with(|| {
                    let now = Instant::now();
                    (now, Box::pin(tokio::time::sleep_until(now + left)))
                });
                ready!(until.as_mut().poll(context));
                this.over = true;
                Poll::Ready(Some(Err(TooSlow.into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use futures_util::{Stream, StreamExt, stream};

    use super::*;

    const PACE: Pace = Pace { patience: Duration::from_millis(300), bytes_per_second: 1000 };

    /// Pieces of some bytes, each after a pause.
    fn body(pieces: Vec<(u64, usize)>) -> impl Stream<Item = Result<Bytes, axum::Error>> {
        let pieces = stream::iter(pieces).then(|(pause, bytes)| async move {
            tokio::time::sleep(Duration::from_millis(pause)).await;
            Ok::<_, std::io::Error>(Bytes::from(vec![0; bytes]))
        });
        let paced = Paced::new(axum::body::Body::from_stream(pieces), PACE, Arc::default());
        axum::body::Body::new(paced).into_data_stream()
    }

    #[tokio::test]
    async fn drops_that_keep_coming_are_cut_off_when_patience_is_used_up() {
        // Each drop buys a millisecond and takes fifty.
        let read: Vec<_> = body(vec![(50, 1); 1000]).collect().await;
        assert!(read.len() < 10, "{}", read.len());
        assert!(TooSlow::is(read.last().unwrap().as_ref().unwrap_err()));
    }

    #[tokio::test]
    async fn silence_is_cut_off_after_the_patience_that_is_left() {
        let read: Vec<_> = body(vec![(0, 100), (3_600_000, 100)]).collect().await;
        assert_eq!(read.len(), 2);
        assert!(TooSlow::is(read[1].as_ref().unwrap_err()));
    }

    #[tokio::test]
    async fn a_body_at_the_pace_comes_whole_however_long_it_takes() {
        // Twice the patience in all.
        let read: Vec<_> = body(vec![(20, 100); 30]).collect().await;
        assert!(read.len() == 30 && read.iter().all(Result::is_ok));
    }

    #[tokio::test]
    async fn a_handler_that_is_slow_to_read_is_not_the_callers_fault() {
        let mut body = std::pin::pin!(body(vec![(0, 1); 10]));
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_millis(60)).await;
            assert!(body.next().await.unwrap().is_ok());
        }
        assert!(body.next().await.is_none());
    }
}
