//! Streams that do not end by themselves: how many there may be, and how long their reader may stand still.

use std::{
    collections::HashMap,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::{Stream, StreamExt, stream};
use tokio::sync::mpsc;

use crate::limits::{EVENT_STREAMS, EVENT_STREAMS_OF_A_CITIZEN};

/// The event streams that are open. They hold no permit of the requests, as they last for hours.
#[derive(Debug, Clone, Default)]
pub struct EventStreams(Arc<Mutex<Open>>);

#[derive(Debug, Default)]
struct Open {
    all: usize,
    by_citizen: HashMap<String, usize>,
}

/// The place of one stream; given back when it is dropped.
#[derive(Debug)]
pub struct EventStreamPlace {
    streams: EventStreams,
    citizen: String,
}

impl EventStreams {
    /// A place for one more stream of a citizen, by pseudonym; none where the citizen or all together have as many as
    /// they may.
    #[must_use]
    pub fn enter(&self, citizen: String) -> Option<EventStreamPlace> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = open.by_citizen.get(&citizen).copied().unwrap_or(0);
        if open.all >= EVENT_STREAMS || own >= EVENT_STREAMS_OF_A_CITIZEN {
            return None;
        }
        open.all += 1;
        open.by_citizen.insert(citizen.clone(), own + 1);
        Some(EventStreamPlace { streams: self.clone(), citizen })
    }
}

impl Drop for EventStreamPlace {
    fn drop(&mut self) {
        let mut open = self.streams.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.all -= 1;
        match open.by_citizen.get_mut(&self.citizen) {
            Some(own) if *own > 1 => *own -= 1,
            _ => {
                open.by_citizen.remove(&self.citizen);
            }
        }
    }
}

/// Hands `items` on, and drops them with all that they hold once the reader has taken nothing for `limit`. To the reader
/// the stream is then broken off: the announced length is missing, or an event stream ends and is asked for again.
pub fn while_read<T: Send + 'static>(
    items: impl Stream<Item = T> + Send + 'static,
    limit: Duration,
) -> impl Stream<Item = T> + Send + 'static {
    let (give, mut take) = mpsc::channel(1);
    // A task of its own: nobody else would look at a clock while the reader stands still.
    tokio::spawn(async move {
        let mut items = pin!(items);
        loop {
            let item = tokio::select! {
                item = items.next() => item,
                () = give.closed() => None,
            };
            let Some(item) = item else { return };
            if tokio::time::timeout(limit, give.send(item)).await.is_err() {
                tracing::info!("a reader stood still: its stream was broken off");
                return;
            }
        }
    });
    stream::poll_fn(move |context| take.poll_recv(context))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use tokio::sync::oneshot;

    use super::*;

    #[test]
    fn a_citizen_has_a_few_streams_and_leaves_room_for_the_others() {
        let streams = EventStreams::default();
        let kari: Vec<_> = (0..EVENT_STREAMS_OF_A_CITIZEN).map(|_| streams.enter("kari".to_owned()).unwrap()).collect();
        assert!(streams.enter("kari".to_owned()).is_none());
        let ola = streams.enter("ola".to_owned());
        assert!(ola.is_some());
        drop(kari);
        assert!(streams.enter("kari".to_owned()).is_some());
        drop(ola);
        assert_eq!(streams.0.lock().unwrap().all, 0);
        assert!(streams.0.lock().unwrap().by_citizen.is_empty());
    }

    #[test]
    fn all_together_have_no_more_than_the_listener_can_carry() {
        let streams = EventStreams::default();
        let mut all: Vec<_> = (0..EVENT_STREAMS).map(|at| streams.enter(at.to_string()).unwrap()).collect();
        assert!(streams.enter("one more".to_owned()).is_none());
        all.pop();
        assert!(streams.enter("one more".to_owned()).is_some());
    }

    #[tokio::test]
    async fn what_is_read_comes_whole_and_in_order() {
        let read = while_read(stream::iter(0..100), Duration::from_secs(20));
        assert_eq!(read.collect::<Vec<_>>().await, (0..100).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn a_reader_that_stands_still_holds_nothing_for_longer_than_the_limit() {
        let (held, released) = oneshot::channel::<()>();
        let endless = stream::repeat(1).map(move |item| {
            let _held = &held;
            item
        });
        let mut read = std::pin::pin!(while_read(endless, Duration::from_millis(50)));
        assert_eq!(read.next().await, Some(1));
        // The sender is dropped with the stream.
        assert!(tokio::time::timeout(Duration::from_secs(20), released).await.unwrap().is_err());
        assert!(read.collect::<Vec<_>>().await.len() <= 1);
    }

    #[tokio::test]
    async fn a_reader_that_goes_away_takes_the_stream_with_it() {
        let (held, released) = oneshot::channel::<()>();
        let silent = stream::pending::<u8>().map(move |item| {
            let _held = &held;
            item
        });
        drop(while_read(silent, Duration::from_secs(3600)));
        assert!(tokio::time::timeout(Duration::from_secs(20), released).await.unwrap().is_err());
    }
}
