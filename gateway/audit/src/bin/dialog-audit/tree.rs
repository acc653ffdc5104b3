//! A tree of lines.

/// A line, and those under it.
#[derive(Debug, Default)]
pub(crate) struct Node {
    pub(crate) line: String,
    pub(crate) under: Vec<Self>,
}

impl Node {
    pub(crate) fn new(line: impl Into<String>) -> Self {
        Self { line: line.into(), under: Vec::new() }
    }

    /// A line of two columns.
    pub(crate) fn named(name: &str, line: impl AsRef<str>) -> Self {
        Self::new(format!("{name:<11}{}", line.as_ref()))
    }

    pub(crate) fn add(&mut self, node: Self) {
        self.under.push(node);
    }

    /// The lines, each with the branches that it hangs on.
    pub(crate) fn draw(&self) -> Vec<String> {
        let mut lines = vec![self.line.clone()];
        let last = self.under.len().saturating_sub(1);
        for (at, node) in self.under.iter().enumerate() {
            let (first, others) = if at == last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            for (at, line) in node.draw().into_iter().enumerate() {
                lines.push(format!("{}{line}", if at == 0 { first } else { others }));
            }
        }
        lines
    }
}
