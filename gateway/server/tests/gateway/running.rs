//! The binary as the operator runs it, in a process of its own.

use std::{fs::File, process::Stdio};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::support::Folder;

/// The process, and where it listens.
pub(crate) struct Running {
    process: Child,
    pub(crate) portal: String,
    pub(crate) operations: String,
}

impl Running {
    pub(crate) async fn start(folder: &Folder) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_dialog-gateway"))
            .args(["serve", "--config"])
            .arg(folder.path("gateway.toml"))
            .stdout(Stdio::piped())
            .stderr(File::create(folder.path("log")).unwrap())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let (mut portal, mut operations) = (String::new(), String::new());
        while let Some(line) = lines.next_line().await.unwrap() {
            match line.split_once(' ') {
                Some(("portal", address)) => address.clone_into(&mut portal),
                Some(("operations", address)) => address.clone_into(&mut operations),
                _ if line == "ready" => return Self { process, portal, operations },
                _ => {}
            }
        }
        panic!("{}", std::fs::read_to_string(folder.path("log")).unwrap());
    }

    /// Ends it as an operator does.
    pub(crate) async fn stop(mut self) {
        let id = Pid::from_raw(self.process.id().unwrap().try_into().unwrap());
        kill(id, Signal::SIGTERM).unwrap();
        assert!(self.process.wait().await.unwrap().success());
    }
}
