//! How much a compiler would have to do, counted before it does anything: types, functions, the largest function, and
//! how deep components lie in components. Only what sections announce of themselves is read; what lies within, such as
//! types within types, is the compiler's affair, which works in a process that may fail.

use wasmparser::Payload;

use crate::{limits::Limits, package::PackageError};

/// What was counted so far.
#[derive(Debug, Default)]
pub(crate) struct Complexity {
    types: u64,
    functions: u64,
    depth: u64,
}

impl Complexity {
    /// Counts the next part of a component.
    pub(crate) fn see(&mut self, payload: &Payload<'_>, limits: &Limits) -> Result<(), PackageError> {
        match payload {
            Payload::Version { .. } => {
                self.depth += 1;
                within("levels of nested components and modules", self.depth, limits.component_depth)
            }
            Payload::End(_) => {
                self.depth = self.depth.saturating_sub(1);
                Ok(())
            }
            Payload::TypeSection(section) => self.types(section.count(), limits),
            Payload::CoreTypeSection(section) => self.types(section.count(), limits),
            Payload::ComponentTypeSection(section) => self.types(section.count(), limits),
            Payload::FunctionSection(section) => self.functions(section.count(), limits),
            Payload::ComponentCanonicalSection(section) => self.functions(section.count(), limits),
            Payload::CodeSectionEntry(body) => {
                within("bytes in one function", body.range().len() as u64, limits.function_bytes)
            }
            _ => Ok(()),
        }
    }

    fn types(&mut self, more: u32, limits: &Limits) -> Result<(), PackageError> {
        self.types += u64::from(more);
        within("types", self.types, limits.component_types)
    }

    fn functions(&mut self, more: u32, limits: &Limits) -> Result<(), PackageError> {
        self.functions += u64::from(more);
        within("functions", self.functions, limits.component_functions)
    }
}

fn within(what: &'static str, found: u64, limit: u64) -> Result<(), PackageError> {
    if found <= limit { Ok(()) } else { Err(PackageError::TooComplex { what, found, limit }) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use crate::{Limits, package::Package};

    fn refused(text: &str) -> String {
        let limits = Limits { function_bytes: 256, ..Limits::default() };
        Package::read(&wat::parse_str(text).unwrap(), &limits).unwrap_err().to_string()
    }

    #[test]
    fn what_would_keep_a_compiler_busy_is_refused_unread() {
        let types = "(type (func))".repeat(20_000);
        let functions = "(func)".repeat(60_000);
        let long = "(drop (i32.const 1))".repeat(100);
        let deep = format!("{}{}", "(component ".repeat(20), ")".repeat(20));
        for (text, told) in [
            (format!("(component {types})"), "20000 types, over the limit of 10000"),
            (format!("(component (core module {types}))"), "20000 types, over the limit of 10000"),
            (format!("(component (core module {functions}))"), "60000 functions, over the limit of 50000"),
            (format!("(component (core module (func {long})))"), "bytes in one function, over the limit of 256"),
            (deep, "levels of nested components and modules, over the limit of 16"),
        ] {
            let error = refused(&text);
            assert!(error.contains(told), "{error}");
        }
    }
}
