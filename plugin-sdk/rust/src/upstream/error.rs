use std::fmt;

use super::{Cause, Method, response::reads_only};
use crate::types::{Failure, Sent};

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// The name of the remote system.
    pub upstream: String,
    /// Of the request.
    pub method: Method,
    /// What went wrong.
    pub cause: Cause,
}

impl Error {
    /// What is known of the request.
    pub fn sent(&self) -> Sent {
        match &self.cause {
            _ if reads_only(self.method) => Sent::No,
            Cause::Interrupted(_) => Sent::Unknown,
            Cause::TooLarge => Sent::Yes,
            Cause::NotGranted | Cause::Forbidden(_) | Cause::Unreachable(_) | Cause::TooMany | Cause::Credentials => {
                Sent::No
            }
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "upstream `{}` ", self.upstream)?;
        match &self.cause {
            Cause::NotGranted => f.write_str("is not granted"),
            Cause::Forbidden(rule) => write!(f, "was asked against a rule: {rule}"),
            Cause::Unreachable(why) => write!(f, "cannot be reached: {why}"),
            Cause::Interrupted(why) => write!(f, "broke off: {why}"),
            Cause::TooLarge => f.write_str("answered with more than is taken in"),
            Cause::TooMany => f.write_str("was asked more often than one call may"),
            Cause::Credentials => f.write_str("does not accept the operator's credentials"),
        }
    }
}

impl std::error::Error for Error {}

/// `unavailable` where the remote system or the operator can mend it, `faulty` where only the plugin can.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let (sent, detail) = (error.sent(), error.to_string());
        match error.cause {
            Cause::NotGranted | Cause::Unreachable(_) | Cause::Interrupted(_) | Cause::Credentials => {
                Self::unavailable(sent, detail)
            }
            Cause::Forbidden(_) | Cause::TooLarge | Cause::TooMany => Self::faulty(sent, detail),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_broken_write_is_uncertain() {
        for (method, cause, sent) in [
            (Method::Post, Cause::Interrupted("timeout".into()), Sent::Unknown),
            (Method::Get, Cause::Interrupted("timeout".into()), Sent::No),
            (Method::Post, Cause::Unreachable("refused".into()), Sent::No),
            (Method::Post, Cause::TooLarge, Sent::Yes),
            (Method::Put, Cause::Credentials, Sent::No),
        ] {
            let error = Error { upstream: "api".into(), method, cause };
            assert_eq!(error.sent(), sent, "{error}");
        }
    }

    #[test]
    fn a_fault_of_the_plugin_is_faulty_and_an_outage_is_unavailable() {
        let of = |cause| Failure::from(Error { upstream: "api".into(), method: Method::Post, cause });
        assert!(matches!(of(Cause::TooMany), Failure::Faulty(_)));
        assert!(matches!(of(Cause::Forbidden("path".into())), Failure::Faulty(_)));
        assert!(matches!(of(Cause::Unreachable("refused".into())), Failure::Unavailable(_)));
    }
}
