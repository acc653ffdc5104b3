//! An input taken apart, front to back. What is not there is zero or empty, so that every input is one.

/// What is left of an input.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    /// The whole.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                *first
            }
            None => 0,
        }
    }

    /// Whether the next byte is odd.
    pub fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// A number below `most`, which is not zero.
    pub fn below(&mut self, most: usize) -> usize {
        (usize::from(self.byte()) << 8 | usize::from(self.byte())) % most
    }

    /// The next eight bytes, little-endian.
    pub fn number(&mut self) -> u64 {
        let mut bytes = [0; 8];
        bytes.fill_with(|| self.byte());
        u64::from_le_bytes(bytes)
    }

    /// At most this many of the next bytes.
    pub fn take(&mut self, most: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(most.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// Up to the next line end, which is passed over.
    pub fn line(&mut self) -> &'a [u8] {
        let end = self.0.iter().position(|byte| *byte == b'\n').unwrap_or(self.0.len());
        let line = self.take(end);
        self.take(1);
        line
    }

    /// [`Input::line`] as text; what is no UTF-8 in it is replaced.
    pub fn text(&mut self) -> String {
        String::from_utf8_lossy(self.line()).into_owned()
    }

    /// [`Input::text`] where a flag says so.
    pub fn optional_text(&mut self) -> Option<String> {
        self.flag().then(|| self.text())
    }

    /// Everything that is left.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// Whether nothing is left.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Whether an error repeats a secret of an input: a citizen's eleven digits, or twenty letters of base64 in a row. No
/// error has such words of its own; shorter ones libFuzzer would learn and put into inputs.
#[must_use]
pub fn repeats(error: &str, secret: &str) -> bool {
    let letter = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
    let pieces =
        |length: usize, of: fn(&u8) -> bool| error.as_bytes().windows(length).filter(move |piece| piece.iter().all(of));
    let mut shown = pieces(11, u8::is_ascii_digit).chain(pieces(20, letter));
    shown.any(|piece| secret.as_bytes().windows(piece.len()).any(|known| known == piece))
}
