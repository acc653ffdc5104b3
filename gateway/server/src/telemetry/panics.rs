//! A panic's place goes to the log. Its words do not: they may hold whatever was being worked on.

/// Has every panic of the process say where it happened, through the log, and nothing else.
pub fn say_where() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        tracing::error!(place, "a defect: the code panicked");
    }));
}
