//! Lines for the operator, never shown to citizens.
//!
//! `log::info!("asked {count} times")`; likewise [`debug!`], [`warn!`] and [`error!`]. The gateway adds plugin, version,
//! call and trace id. It keeps 100 lines a call, of [`MAX_LINE`] each. Never log content or who somebody is.

pub use crate::bindings::capabilities::dialog::provider::log::Level;
use crate::capabilities;

#[doc(inline)]
pub use crate::{__log_debug as debug, __log_error as error, __log_info as info, __log_warn as warn};

/// Bytes of one line. What is over is cut off here, so that it is known where.
pub const MAX_LINE: usize = 4096;

/// Writes one line.
pub fn write(level: Level, message: &str) {
    capabilities::log::write(level, &message[..message.floor_char_boundary(MAX_LINE)]);
}

/// A line that only matters to whoever writes the plugin.
#[doc(hidden)]
#[macro_export]
macro_rules! __log_debug {
    ($($argument:tt)+) => {
        $crate::log::write($crate::log::Level::Debug, &::std::format!($($argument)+))
    };
}

/// A line that says what happened.
#[doc(hidden)]
#[macro_export]
macro_rules! __log_info {
    ($($argument:tt)+) => {
        $crate::log::write($crate::log::Level::Info, &::std::format!($($argument)+))
    };
}

/// A line about something that should not happen often.
#[doc(hidden)]
#[macro_export]
macro_rules! __log_warn {
    ($($argument:tt)+) => {
        $crate::log::write($crate::log::Level::Warn, &::std::format!($($argument)+))
    };
}

/// A line about something that somebody must look at.
#[doc(hidden)]
#[macro_export]
macro_rules! __log_error {
    ($($argument:tt)+) => {
        $crate::log::write($crate::log::Level::Error, &::std::format!($($argument)+))
    };
}
