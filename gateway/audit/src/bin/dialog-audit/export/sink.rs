//! Where an export goes: standard output, a file, or a row of files of the same length.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use super::Form;
use crate::output::{Failure, Output};

pub(super) struct Sink {
    out: Option<PathBuf>,
    per_file: Option<NonZeroU64>,
    /// The file that is being written, where it is not standard output.
    file: Option<BufWriter<File>>,
    files: u64,
    /// Records in the file so far.
    records: u64,
}

impl Sink {
    pub(super) fn new(
        out: Option<&Path>,
        per_file: Option<NonZeroU64>,
        form: &dyn Form,
        output: &mut Output,
    ) -> Result<Self, Failure> {
        let mut sink = Self { out: out.map(Path::to_owned), per_file, file: None, files: 0, records: 0 };
        sink.open()?;
        sink.put(&form.begin(), output)?;
        Ok(sink)
    }

    pub(super) fn write(&mut self, text: &str, form: &dyn Form, output: &mut Output) -> Result<(), Failure> {
        if self.per_file.is_some_and(|most| self.records == most.get()) {
            self.end(form, output)?;
            self.open()?;
            self.put(&form.begin(), output)?;
        }
        if self.records > 0 {
            self.put(form.between(), output)?;
        }
        self.records += 1;
        self.put(text, output)
    }

    /// Ends the last file; gives how many there are.
    pub(super) fn end(&mut self, form: &dyn Form, output: &mut Output) -> Result<u64, Failure> {
        self.put(form.end(), output)?;
        if let Some(mut file) = self.file.take() {
            file.flush().and_then(|()| file.get_ref().sync_all()).map_err(|why| self.failed(&why))?;
        }
        Ok(self.files)
    }

    fn open(&mut self) -> Result<(), Failure> {
        self.files += 1;
        self.records = 0;
        if let Some(path) = self.path() {
            // What was exported before is not written over.
            let file = File::create_new(path).map_err(|why| self.failed(&why))?;
            self.file = Some(BufWriter::new(file));
        }
        Ok(())
    }

    /// `records.json`, or `records-00001.json` where there are several.
    fn path(&self) -> Option<PathBuf> {
        let out = self.out.as_ref()?;
        if self.per_file.is_none() {
            return Some(out.clone());
        }
        let stem = out.file_stem().unwrap_or_default().to_string_lossy();
        let extension = out.extension().map_or_else(String::new, |end| format!(".{}", end.to_string_lossy()));
        Some(out.with_file_name(format!("{stem}-{:05}{extension}", self.files)))
    }

    fn put(&mut self, text: &str, output: &mut Output) -> Result<(), Failure> {
        match &mut self.file {
            None => output.text(text),
            Some(file) => file.write_all(text.as_bytes()).map_err(|why| self.failed(&why)),
        }
    }

    fn failed(&self, why: &std::io::Error) -> Failure {
        let path = self.path().unwrap_or_default();
        Failure::used_wrongly(format!("cannot write {}: {why}", path.display()))
    }
}
