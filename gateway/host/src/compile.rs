//! From a component to machine code, apart from serving.
//!
//! The threat: compiling is not a security boundary of the engine. A component that is valid can take its compiler hours
//! and all the memory there is; one that is not may meet a defect that ends the process. So the gateway compiles in a
//! process of its own, [`Process`]: the gateway's very binary, started with a hidden subcommand, nothing in its
//! environment, and limits on its address space, its processor time and its life. It has the component from its standard
//! input and gives the machine code on its standard output; whatever else becomes of it, the component is refused and
//! the gateway serves on. [`InProcess`] is for tests, and for whoever trusts what is compiled.

use std::{
    ffi::OsString,
    io::{self, Read, Write},
    os::unix::process::ExitStatusExt,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use nix::sys::resource::{Resource, setrlimit};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::Command,
};

use crate::{
    engine,
    limits::{COMPILED_BYTES, ERROR_LINE_BYTES, Limits},
    scrub,
};

/// Makes machine code.
///
/// Called while plugins are installed, for one at a time. Code is made for the engine of this binary on this machine, and
/// is loaded as it is: whoever implements it is trusted as much as the engine.
#[async_trait]
pub trait Compile: Send + Sync + 'static {
    /// The machine code of a component.
    ///
    /// # Errors
    /// [`CompileError`]; nothing is left behind then.
    async fn compile(&self, component: Bytes, limits: &Limits) -> Result<Vec<u8>, CompileError>;
}

/// Why there is no machine code.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// The engine does not accept the component.
    #[error("it cannot be compiled: {0}")]
    Invalid(String),
    /// It took too long.
    #[error("compiling it took over {0} ms (`compile-milliseconds`)")]
    Time(u64),
    /// It took too much memory.
    #[error("compiling it took over {0} bytes of memory (`compile-memory-bytes`)")]
    Memory(u64),
    /// The compiler broke down over it.
    #[error("the compiler broke down over it: {0}")]
    Broken(String),
    /// There is no compiler.
    #[error("the compiler could not be started: {0}")]
    NotStarted(io::Error),
}

/// Compiles in this process, without other limits than time.
#[derive(Debug, Clone, Copy, Default)]
pub struct InProcess;

#[async_trait]
impl Compile for InProcess {
    async fn compile(&self, component: Bytes, limits: &Limits) -> Result<Vec<u8>, CompileError> {
        let most = limits.compile_milliseconds;
        let working = tokio::task::spawn_blocking(move || machine_code(&component));
        tokio::time::timeout(Duration::from_millis(most), working)
            .await
            .map_err(|_| CompileError::Time(most))?
            .map_err(|_| CompileError::Broken("it panicked".to_owned()))?
            .map_err(CompileError::Invalid)
    }
}

/// Compiles in a process of its own.
#[derive(Debug, Clone)]
pub struct Process {
    program: PathBuf,
    arguments: Vec<OsString>,
}

impl Process {
    /// Starts `program` with `arguments`, which must come to [`serve`].
    #[must_use]
    pub fn new(program: impl Into<PathBuf>, arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        Self { program: program.into(), arguments: arguments.into_iter().map(Into::into).collect() }
    }

    /// Starts the binary that runs now, also where another has taken its place on disk since.
    #[must_use]
    pub fn of_this_binary() -> Self {
        Self::new("/proc/self/exe", [SUBCOMMAND])
    }
}

/// What a binary that compiles is started with, followed by the limits in bytes and in seconds.
pub const SUBCOMMAND: &str = "compile";

#[async_trait]
impl Compile for Process {
    async fn compile(&self, component: Bytes, limits: &Limits) -> Result<Vec<u8>, CompileError> {
        let most = Duration::from_millis(limits.compile_milliseconds);
        // Processor time is counted in whole seconds; the time on the clock ends it before, where it waits.
        let seconds = most.as_secs() + 1;
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .args([limits.compile_memory_bytes.to_string(), seconds.to_string()])
            // It is given the component and nothing else: no secret of the environment, no folder.
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(CompileError::NotStarted)?;
        let (Some(mut input), Some(output), Some(errors)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(CompileError::Broken("it has no standard streams".to_owned()));
        };
        let feeding = async move {
            // One that gave up reads no further; its status says why.
            let _ = input.write_all(&component).await;
            drop(input);
        };
        let all = async {
            let ((), code, said) = tokio::join!(feeding, drained(output, COMPILED_BYTES), drained(errors, 64 * 1024));
            (child.wait().await, code, said)
        };
        let (status, code, said) =
            tokio::time::timeout(most, all).await.map_err(|_| CompileError::Time(limits.compile_milliseconds))?;
        let status = status.map_err(CompileError::NotStarted)?;
        let said = String::from_utf8_lossy(&said?).into_owned();
        if status.success() { code } else { Err(ended(status, &said, limits)) }
    }
}

/// Reads to the end, and no more than the limit.
async fn drained(pipe: impl AsyncRead + Unpin, limit: u64) -> Result<Vec<u8>, CompileError> {
    let broken = |error: io::Error| CompileError::Broken(error.to_string());
    let mut bytes = Vec::new();
    let mut pipe = pipe.take(limit);
    pipe.read_to_end(&mut bytes).await.map_err(broken)?;
    let over = pipe.into_inner().read(&mut [0]).await.map_err(broken)? > 0;
    if over { Err(CompileError::Broken(format!("it said more than {limit} bytes"))) } else { Ok(bytes) }
}

/// What a process that failed died of.
fn ended(status: ExitStatus, said: &str, limits: &Limits) -> CompileError {
    let said = said.trim();
    // A failed allocation aborts with these words; a mapping that is refused is an error of the system's.
    if ["memory allocation of", "out of memory", "Cannot allocate memory"].iter().any(|words| said.contains(words)) {
        return CompileError::Memory(limits.compile_memory_bytes);
    }
    let words = scrub::line(said, ERROR_LINE_BYTES);
    match (status.code(), status.signal()) {
        (Some(REFUSED), _) => CompileError::Invalid(words),
        (_, Some(signal)) if signal == nix::libc::SIGXCPU || signal == nix::libc::SIGKILL => {
            CompileError::Time(limits.compile_milliseconds)
        }
        _ => CompileError::Broken(format!("{status} {words}").trim_end().to_owned()),
    }
}

/// How a compiler ends that does not accept the component.
const REFUSED: i32 = 3;

/// What a process does that was started to compile: bounds itself, reads a component from its standard input, writes the
/// machine code to its standard output. `arguments` are what follows [`SUBCOMMAND`]. Gives the status to end with, and
/// what to say on standard error.
///
/// # Errors
/// The status and the words of a failure.
pub fn serve(arguments: &[String]) -> Result<(), (u8, String)> {
    let refused = |words: String| (u8::try_from(REFUSED).unwrap_or(1), words);
    let [memory, seconds] = arguments else {
        return Err((2, "it needs a limit on memory in bytes, and on time in seconds".to_owned()));
    };
    let number = |text: &String| text.parse::<u64>().map_err(|error| failed("a limit", &error));
    bound(number(memory)?, number(seconds)?).map_err(|error| failed("its limits could not be set", &error))?;
    let mut component = Vec::new();
    io::stdin().lock().read_to_end(&mut component).map_err(|error| failed("read", &error))?;
    let code = machine_code(&component).map_err(refused)?;
    let mut output = io::stdout().lock();
    output.write_all(&code).and_then(|()| output.flush()).map_err(|error| failed("write", &error))
}

fn failed(what: &str, error: &dyn std::fmt::Display) -> (u8, String) {
    (1, format!("{what}: {error}"))
}

/// Bounds this process from now on, without a way back.
fn bound(memory: u64, seconds: u64) -> nix::Result<()> {
    setrlimit(Resource::RLIMIT_AS, memory, memory)?;
    setrlimit(Resource::RLIMIT_CPU, seconds, seconds + 1)?;
    // It leaves nothing on any disk: no file, and no image of itself, which would hold the component.
    setrlimit(Resource::RLIMIT_FSIZE, 0, 0)?;
    setrlimit(Resource::RLIMIT_CORE, 0, 0)
}

/// Compiles, here and now.
fn machine_code(component: &[u8]) -> Result<Vec<u8>, String> {
    let made = engine::compiler().and_then(|engine| engine.precompile_component(component));
    made.map_err(|error| scrub::line(&format!("{error:#}"), ERROR_LINE_BYTES))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn shell(script: &str) -> Process {
        Process::new("/bin/sh", ["-c", script, "compiler"])
    }

    async fn compiled(compiler: &impl Compile, limits: &Limits) -> Result<Vec<u8>, String> {
        let component = Bytes::from_static(b"component");
        compiler.compile(component, limits).await.map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn a_compiler_is_given_the_component_and_its_limits_and_nothing_of_the_environment() {
        let limits = Limits { compile_memory_bytes: 512 << 20, compile_milliseconds: 9_000, ..Limits::default() };
        let shown = compiled(&shell("cat; echo \" $1 $2 ${HOME:-nothing} $PWD\""), &limits).await.unwrap();
        assert_eq!(String::from_utf8(shown).unwrap(), format!("component {} 10 nothing /\n", 512 << 20));
    }

    #[tokio::test]
    async fn whatever_becomes_of_a_compiler_is_told_apart() {
        let limits = Limits { compile_milliseconds: 2_000, ..Limits::default() };
        for (script, told) in [
            ("cat >/dev/null; echo 'unknown section' >&2; exit 3", "it cannot be compiled: unknown section"),
            ("echo 'memory allocation of 8 bytes failed' >&2; kill -ABRT $$", "over 2147483648 bytes of memory"),
            ("exec sleep 60", "took over 2000 ms"),
            ("kill -XCPU $$", "took over 2000 ms"),
            ("kill -SEGV $$", "broke down over it: signal: 11"),
            ("exit 7", "broke down over it: exit status: 7"),
        ] {
            let error = compiled(&shell(script), &limits).await.unwrap_err();
            assert!(error.contains(told), "{script}: {error}");
        }
        let error = compiled(&Process::new("/nowhere/compiler", [""; 0]), &limits).await.unwrap_err();
        assert!(error.contains("could not be started"), "{error}");
    }

    #[tokio::test]
    async fn what_is_no_component_is_refused_in_words() {
        let error = compiled(&InProcess, &Limits::default()).await.unwrap_err();
        assert!(error.starts_with("it cannot be compiled: "), "{error}");
    }
}
