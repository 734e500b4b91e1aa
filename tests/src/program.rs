//! The binary under test: built once beside the tests, and run.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// How long a verb that is not a server may run.
const RUN_MAX: Duration = Duration::from_secs(60);

/// The program `gongji`, of the same profile as the tests. `GONGJI_TEST_BIN` names another one.
///
/// # Panics
/// If it cannot be built.
pub fn gongji() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| match std::env::var_os("GONGJI_TEST_BIN") {
        Some(path) => PathBuf::from(path),
        None => build(),
    })
}

/// Builds the program where this test lies: `TARGET/PROFILE/deps/test` beside `TARGET/PROFILE/gongji`.
fn build() -> PathBuf {
    let here = std::env::current_exe().expect("a test knows its own path");
    let folder = here.parent().and_then(Path::parent).expect("a test lies in TARGET/PROFILE/deps");
    let target = folder.parent().expect("a profile lies in a target folder");
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the workspace");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--package", "node", "--bin", "gongji"]).current_dir(workspace);
    build.arg("--target-dir").arg(target);
    if folder.ends_with("release") {
        build.arg("--release");
    }
    let built = build.stdin(Stdio::null()).output().expect("cargo runs");
    assert!(built.status.success(), "gongji does not build:\n{}", String::from_utf8_lossy(&built.stderr));
    folder.join("gongji")
}

/// The program with these arguments, and without settings from the environment.
pub fn command<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(gongji());
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("GONGJI_")) {
        command.env_remove(name);
    }
    command.args(arguments);
    command
}

/// The same command under strace, which answers its syncs without making them.
pub fn without_syncs(command: &Command) -> Command {
    let mut lying = Command::new("strace");
    lying.args(["-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync"]);
    lying.args(["-e", "inject=fsync,fdatasync:retval=0", "--"]);
    lying.arg(command.get_program()).args(command.get_args());
    for (name, _) in command.get_envs().filter(|(_, value)| value.is_none()) {
        lying.env_remove(name);
    }
    lying
}

/// What a run of the program came to.
#[derive(Clone, Debug)]
pub struct Ran {
    /// The exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it complained about.
    pub stderr: String,
}

impl Ran {
    fn of(output: &Output) -> Ran {
        Ran {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// Runs the program to its end, with this as its input.
///
/// # Panics
/// If it does not end in time.
pub fn run<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>, input: &[u8]) -> Ran {
    finish(command(arguments), input)
}

/// Runs a prepared command to its end, with this as its input.
///
/// # Panics
/// If it does not end in time.
pub fn finish(mut command: Command, input: &[u8]) -> Ran {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|problem| panic!("start {command:?}: {problem}"));
    let mut stdin = child.stdin.take().expect("it is piped");
    let input = input.to_vec();
    // One that ends without reading its input is judged by its exit code.
    let writer = std::thread::spawn(move || stdin.write_all(&input).ok());
    let (sender, receiver) = std::sync::mpsc::channel();
    let id = child.id();
    std::thread::spawn(move || sender.send(child.wait_with_output()));
    let output = match receiver.recv_timeout(RUN_MAX) {
        Ok(output) => output.unwrap_or_else(|problem| panic!("wait for {command:?}: {problem}")),
        Err(_) => {
            kill(id, rustix::process::Signal::KILL);
            panic!("{command:?} did not end within {} s", RUN_MAX.as_secs());
        }
    };
    writer.join().expect("the writer only writes");
    Ran::of(&output)
}

/// Sends a signal to a process that was started here and not waited for yet.
pub fn kill(id: u32, signal: rustix::process::Signal) {
    let id = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw).expect("the id of a child");
    // One that has ended by itself needs no signal.
    rustix::process::kill_process(id, signal).ok();
}

/// How a process ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// What it had written to stderr in this life.
    pub stderr: String,
}

/// A process that serves until it is stopped. Killed when dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    stderr: PathBuf,
    stderr_from: u64,
}

impl Server {
    /// Starts the program; its first line on stdout comes through the receiver. Its stderr is appended to a file. It
    /// stops by itself when this process ends, however that happens.
    ///
    /// # Panics
    /// If the program cannot be started.
    pub fn start(mut command: Command, stderr: &Path) -> (Server, tokio::sync::oneshot::Receiver<String>) {
        let log = std::fs::File::options().create(true).append(true).open(stderr);
        let log = log.unwrap_or_else(|problem| panic!("open {}: {problem}", stderr.display()));
        let stderr_from = log.metadata().map_or(0, |found| found.len());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().unwrap_or_else(|problem| panic!("start {command:?}: {problem}"));
        let stdout = child.stdout.take().expect("it is piped");
        let (sender, first) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            let mut sender = Some(sender);
            for line in BufReader::new(stdout).lines() {
                let Ok(line) = line else { return };
                if let Some(sender) = sender.take() {
                    // Nobody waits for the line of a process that was killed at once.
                    sender.send(line).ok();
                }
            }
        });
        (Server { child, stderr: stderr.to_path_buf(), stderr_from }, first)
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    ///
    /// # Panics
    /// If the operating system does not tell.
    pub fn ended(&mut self) -> Option<Ended> {
        let status = self.child.try_wait().expect("a child can be waited for")?;
        Some(Ended { code: status.code(), stderr: self.stderr() })
    }

    /// What it has written to stderr in this life.
    pub fn stderr(&self) -> String {
        let bytes = std::fs::read(&self.stderr).unwrap_or_default();
        let from = usize::try_from(self.stderr_from).unwrap_or(0).min(bytes.len());
        String::from_utf8_lossy(&bytes[from..]).into_owned()
    }

    /// Waits until it has ended.
    ///
    /// # Panics
    /// If it does not within the limit.
    pub async fn wait(&mut self, limit: Duration) -> Ended {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(ended) = self.ended() {
                return ended;
            }
            assert!(
                Instant::now() < deadline,
                "the process did not end within {} s:\n{}",
                limit.as_secs(),
                self.stderr()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Kills it at once: kill -9.
    pub fn kill(&mut self) {
        // One that has ended by itself cannot be killed, and need not.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
