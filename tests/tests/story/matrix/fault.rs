//! The kinds of trouble.

use dialog_tests::sim::trouble::{Availability, Call, Held, HttpFault, Trouble};

/// What is wrong with a back end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Connections are refused.
    Down,
    /// It answers 503 to everything.
    Closed,
    /// It does not answer a call for longer than anybody waits.
    Slow,
    /// It answers one call wrongly.
    Spoilt(HttpFault),
}

/// All of them.
pub(super) const ALL: [Fault; 10] = [
    Fault::Down,
    Fault::Closed,
    Fault::Slow,
    Fault::Spoilt(HttpFault::Status(500)),
    Fault::Spoilt(HttpFault::Status(429)),
    Fault::Spoilt(HttpFault::Mute(429)),
    Fault::Spoilt(HttpFault::TruncatedBody),
    Fault::Spoilt(HttpFault::Html),
    Fault::Spoilt(HttpFault::WrongType),
    Fault::Spoilt(HttpFault::MalformedJson),
];

/// Trouble that has begun.
pub(super) enum Begun {
    /// Over as soon as one call has met it.
    Once,
    /// Until the back end is up again.
    Away,
    /// Until this is released.
    Held(Held),
}

impl Fault {
    /// Begins for the next such call.
    pub(super) async fn begin(self, trouble: &Trouble, call: Call) -> anyhow::Result<Begun> {
        Ok(match self {
            Fault::Down => {
                trouble.set_availability(Availability::Refuse).await?;
                Begun::Away
            }
            Fault::Closed => {
                trouble.set_availability(Availability::Unavailable).await?;
                Begun::Away
            }
            Fault::Slow => Begun::Held(trouble.hold_next(call)),
            Fault::Spoilt(how) => {
                trouble.fail_next(call, how);
                Begun::Once
            }
        })
    }

    /// Whether the back end may have done what it was asked, and nobody was told.
    pub(super) fn may_have_worked(self) -> bool {
        matches!(
            self,
            Fault::Slow
                | Fault::Spoilt(
                    HttpFault::TruncatedBody | HttpFault::Html | HttpFault::WrongType | HttpFault::MalformedJson
                )
        )
    }
}

impl Begun {
    /// Whether the back end is not there at all meanwhile.
    pub(super) fn is_away(&self) -> bool {
        matches!(self, Begun::Away)
    }

    /// The trouble is over.
    pub(super) async fn end(self, trouble: &Trouble) -> anyhow::Result<()> {
        match self {
            Begun::Once => {}
            Begun::Away => trouble.set_availability(Availability::Up).await?,
            Begun::Held(held) => held.release(),
        }
        Ok(())
    }
}
