//! Writes the seeds of every target below a folder: `cargo run --features gateway --example seeds -- ../fuzz/corpus`. Minimising comes after.

use std::{fs, io, path::Path};

fn main() -> io::Result<()> {
    let Some(folder) = std::env::args_os().nth(1) else {
        return Err(io::Error::other("say below which folder"));
    };
    for (target, _) in dialog_drivers::TARGETS {
        let folder = Path::new(&folder).join(target);
        fs::create_dir_all(&folder)?;
        for (number, seed) in dialog_drivers::seeds::of(target).into_iter().enumerate() {
            fs::write(folder.join(format!("seed-{number:03}")), seed)?;
        }
    }
    Ok(())
}
