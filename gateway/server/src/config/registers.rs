//! The national registers: where each is, and how old what it said may be.

use std::{num::NonZeroU32, time::Duration};

use dialog_host::UpstreamBinding;
use jiff::SignedDuration;
use serde::Deserialize;

use crate::{directory::registers::freshness::Pace, limits::REGISTER_POLL_SECONDS};

/// `[directory.gp-register]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct GpRegisterConfig {
    /// Until then nobody asks anew about a citizen: changes come by themselves.
    #[serde(default = "day")]
    pub fresh_seconds: NonZeroU32,
    /// Until then what it said is served while it is down.
    #[serde(default = "week")]
    pub served_seconds: NonZeroU32,
    /// How often it is asked for changes: within [`REGISTER_POLL_SECONDS`].
    #[serde(default = "half_a_minute")]
    pub poll_seconds: NonZeroU32,
    /// Where it is.
    pub upstream: UpstreamBinding,
}

/// `[directory.address-register]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AddressRegisterConfig {
    /// Until then nobody asks anew about a party.
    #[serde(default = "day")]
    pub fresh_seconds: NonZeroU32,
    /// Until then what it said is served while it is down; then the file's own word counts.
    #[serde(default = "month")]
    pub served_seconds: NonZeroU32,
    /// Where it is.
    pub upstream: UpstreamBinding,
}

const fn seconds(seconds: u32) -> NonZeroU32 {
    NonZeroU32::MIN.saturating_add(seconds - 1)
}

const fn day() -> NonZeroU32 {
    seconds(24 * 3600)
}

const fn week() -> NonZeroU32 {
    seconds(7 * 24 * 3600)
}

const fn month() -> NonZeroU32 {
    seconds(30 * 24 * 3600)
}

/// Half of the minute within which a new GP is to have the citizen's messages.
const fn half_a_minute() -> NonZeroU32 {
    seconds(30)
}

fn pace(fresh: NonZeroU32, served: NonZeroU32) -> Pace {
    let duration = |seconds: NonZeroU32| SignedDuration::from_secs(i64::from(seconds.get()));
    Pace { fresh: duration(fresh), served: duration(served) }
}

const ORDER: (&str, &str) = ("served-seconds", "must not be less than fresh-seconds");

impl GpRegisterConfig {
    /// How old what it said may be.
    #[must_use]
    pub fn pace(&self) -> Pace {
        pace(self.fresh_seconds, self.served_seconds)
    }

    /// How often it is asked for changes.
    #[must_use]
    pub fn every(&self) -> Duration {
        Duration::from_secs(self.poll_seconds.get().into())
    }

    /// Whether its times fit together.
    ///
    /// # Errors
    /// The key that is wrong, and how.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        if self.served_seconds < self.fresh_seconds {
            return Err(ORDER);
        }
        if !REGISTER_POLL_SECONDS.contains(&self.poll_seconds.get()) {
            return Err(("poll-seconds", "must be 1 to 60: a citizen's new GP is to be known within a minute"));
        }
        Ok(())
    }
}

impl AddressRegisterConfig {
    /// How old what it said may be.
    #[must_use]
    pub fn pace(&self) -> Pace {
        pace(self.fresh_seconds, self.served_seconds)
    }

    /// As [`GpRegisterConfig::check`].
    ///
    /// # Errors
    /// The key that is wrong, and how.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        if self.served_seconds < self.fresh_seconds { Err(ORDER) } else { Ok(()) }
    }
}
