//! `clock`: the gateway's time, and waiting within the call's deadline.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::{bindings::host::clock::Host, call::Call};

impl Host for Call {
    async fn now(&mut self) -> i64 {
        self.ports.clock.now().as_millisecond()
    }

    async fn wait(&mut self, milliseconds: u32) {
        let until = Instant::now() + Duration::from_millis(milliseconds.into());
        sleep_until(until.min(self.deadline)).await;
    }
}
