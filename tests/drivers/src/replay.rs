//! The short way: kept inputs, seeds, and changes of both that are the same in every run, without a fuzzer.

use std::{fs, io, path::Path};

use crate::{Drive, seeds};

/// The kept inputs of a target below a folder, in the order of their names, and its seeds. A new target has no folder yet.
///
/// # Errors
/// Where the folder cannot be read.
pub fn inputs(corpus: &Path, target: &str) -> io::Result<Vec<Vec<u8>>> {
    let mut paths = match fs::read_dir(corpus.join(target)) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => Vec::new(),
        items => items?.map(|item| Ok(item?.path())).collect::<io::Result<Vec<_>>>()?,
    };
    paths.sort();
    let kept = paths.into_iter().map(fs::read).collect::<io::Result<Vec<_>>>()?;
    Ok(kept.into_iter().chain(seeds::of(target)).collect())
}

/// Plays each input, and then `rounds` changed ones. A panic is a promise broken; what is played then is told by `before`.
pub fn play(drive: Drive, inputs: &[Vec<u8>], rounds: usize, mut before: impl FnMut(&[u8])) {
    let mut play = |input: &[u8]| {
        before(input);
        drive(input);
    };
    for input in inputs {
        play(input);
    }
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    for _ in 0..rounds {
        if let Some(input) = changed(inputs, &mut chance) {
            play(&input);
        }
    }
}

/// One of the inputs, changed in one to four places.
fn changed(inputs: &[Vec<u8>], chance: &mut Chance) -> Option<Vec<u8>> {
    const WORDS: [&[u8]; 8] = [b"\xff\xff\xff\xff", b"\0", b"\n", b"\"", b"<", b"%2e", b"4294967296", b"\xe2\x80\xae"];
    let mut bytes = inputs.get(chance.below(inputs.len()))?.clone();
    for _ in 0..=chance.below(4) {
        let at = chance.below(bytes.len() + 1);
        match chance.below(6) {
            0 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << chance.below(8);
                }
            }
            1 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = chance.byte();
                }
            }
            2 => {
                let end = (at + chance.below(32)).min(bytes.len());
                bytes.drain(at..end);
            }
            3 => {
                let word = WORDS[chance.below(WORDS.len())];
                bytes.splice(at..at, word.iter().copied());
            }
            4 => {
                let end = (at + chance.below(64)).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            _ => {
                let other = inputs.get(chance.below(inputs.len()))?;
                let from = chance.below(other.len() + 1);
                let end = (from + chance.below(64)).min(other.len());
                bytes.splice(at..at, other[from..end].iter().copied());
            }
        }
    }
    Some(bytes)
}

/// Numbers that look like chance and are the same in every run (xorshift).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Below `most`; 0 where that is 0.
    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() % (most as u64).max(1)).unwrap_or(0)
    }

    fn byte(&mut self) -> u8 {
        self.next().to_be_bytes()[0]
    }
}
