//! Runs the program.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Longest wait for anything a test waits for: far beyond what it takes, so that a slow machine passes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A directory for one test, and the database in it.
pub(crate) struct Place {
    _directory: tempfile::TempDir,
    pub(crate) directory: PathBuf,
    pub(crate) database: String,
}

impl Place {
    pub(crate) fn new() -> Place {
        let guard = tempfile::tempdir().unwrap();
        let directory = guard.path().to_path_buf();
        let database = directory.join("desk.blotter").display().to_string();
        Place { _directory: guard, directory, database }
    }

    /// Writes a file into the directory; its path.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.directory.join(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    }

    /// A database with the given lines in it.
    pub(crate) fn with_lines(lines: &str) -> Place {
        let place = Place::new();
        let file = place.file("lines.jsonl", lines);
        run(&["import", &place.database, &file]).expect(0);
        place
    }
}

/// What a run has left.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// Checks the exit status.
    #[track_caller]
    pub(crate) fn expect(self, status: i32) -> Ran {
        assert_eq!(self.status, status, "out: {}\nerr: {}", self.out, self.err);
        assert!(!self.err.contains("panicked"), "{}", self.err);
        self
    }

    /// The output as JSON values, one a line.
    #[track_caller]
    pub(crate) fn json(&self) -> Vec<serde_json::Value> {
        self.out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
            .collect()
    }
}

pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_blotter"));
    // What the tester's environment says of levels is not under test.
    command.args(arguments).env_remove("BLOTTER_LEVEL");
    command
}

pub(crate) fn run(arguments: &[&str]) -> Ran {
    run_with_input(arguments, b"")
}

pub(crate) fn run_with_input(arguments: &[&str], input: &[u8]) -> Ran {
    let mut child = start(command(arguments).stdin(Stdio::piped()));
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        // A program that does not read its input closes it.
        drop(stdin.write_all(&input));
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    Ran {
        status: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

pub(crate) fn start(command: &mut Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Ends a program that would go on, however the test ends.
pub(crate) struct Ended(pub(crate) Child);

impl Drop for Ended {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Lines of a program's output as they come.
pub(crate) fn lines_of(stdout: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines() {
            let Ok(line) = line else { return };
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Tries until it gives something.
#[track_caller]
pub(crate) fn wait_for<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = attempt() {
            return found;
        }
        assert!(started.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// So many lines of JSON, one event a millisecond.
pub(crate) fn numbered_lines(numbers: std::ops::Range<u64>) -> String {
    numbers
        .map(|n| format!("{{\"ts\":{}.{:03},\"category\":\"order\",\"event\":\"e\",\"order_id\":\"A-{n}\",\"n\":{n}}}\n", 1_700_000_000 + n / 1000, n % 1000))
        .collect()
}

/// Every file under a directory.
pub(crate) fn files_under(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(files_under(&path)) } else { files.push(path) }
    }
    files
}
