//! Results taller than the terminal go through a pager.
//!
//! What is written is held until it is taller than the screen; then a pager is started and given all of it, and
//! everything that follows as it comes. A pager that cannot be started, or fails, is said to have, and what it
//! was given is written to the terminal instead. Whoever leaves the pager has seen enough.

use std::io::{self, Write};
use std::process::{Child, ChildStdin, Command, Stdio};

use crate::outcome::say;
use crate::render::escape::escaped;

/// What is kept of a result in case its pager fails; one that took more has done its work.
const KEPT_BYTES_MAX: usize = 1024 * 1024;

/// Lines of the screen that the prompt needs.
const PROMPT_ROWS: usize = 2;

/// See the module. Without a screen everything is written as it comes.
pub(super) struct Sink {
    state: State,
    columns: usize,
    rows_max: usize,
}

enum State {
    /// Not yet too tall.
    Held { text: Vec<u8>, rows: usize, columns: usize },
    /// To the standard output.
    Direct,
    /// To the pager; `kept` is all that it was given, unless that is much.
    Paged { pager: Child, input: Option<ChildStdin>, kept: Option<Vec<u8>> },
    /// The pager was left.
    Left,
}

impl Sink {
    /// For a screen of so many columns and rows, if there is one.
    pub(super) fn new(screen: Option<(usize, usize)>) -> Sink {
        match screen {
            Some((columns, rows)) => Sink {
                state: State::Held { text: Vec::new(), rows: 0, columns: 0 },
                columns: columns.max(1),
                rows_max: rows.saturating_sub(PROMPT_ROWS).max(1),
            },
            None => Sink { state: State::Direct, columns: 1, rows_max: usize::MAX },
        }
    }

    /// Whether the pager was left before the end.
    pub(super) fn was_left(&self) -> bool {
        matches!(self.state, State::Left)
    }

    /// Writes what is held, or waits until the pager is left.
    ///
    /// # Errors
    /// Those of the standard output.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        match std::mem::replace(&mut self.state, State::Direct) {
            State::Held { text, .. } => to_stdout(&text),
            State::Direct => io::stdout().lock().flush(),
            State::Paged { pager, input, kept } => {
                drop(input);
                end(pager, kept).map(drop)
            }
            State::Left => {
                self.state = State::Left;
                Ok(())
            }
        }
    }

    /// Starts the pager with what is held.
    fn page(&mut self) -> io::Result<()> {
        let State::Held { text, .. } = std::mem::replace(&mut self.state, State::Direct) else {
            return Ok(());
        };
        let Some(mut pager) = start() else { return to_stdout(&text) };
        let input = pager.stdin.take();
        self.state = State::Paged { pager, input, kept: Some(Vec::new()) };
        self.write_all(&text)
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.state {
            State::Direct => return io::stdout().lock().write(bytes),
            State::Left => return Err(io::ErrorKind::BrokenPipe.into()),
            State::Held { text, rows, columns } => {
                text.extend_from_slice(bytes);
                // A line wider than the screen takes several rows of it. What colours take is counted too: at
                // worst a pager is started a little early.
                for byte in bytes {
                    match byte {
                        b'\n' => (*rows, *columns) = (*rows + 1, 0),
                        byte if !(0x80..0xc0).contains(byte) => {
                            *columns += 1;
                            if *columns > self.columns {
                                (*rows, *columns) = (*rows + 1, 1);
                            }
                        }
                        _ => {}
                    }
                }
                if *rows > self.rows_max {
                    self.page()?;
                }
            }
            State::Paged { input, kept, .. } => {
                match kept {
                    Some(text) if text.len() + bytes.len() <= KEPT_BYTES_MAX => text.extend_from_slice(bytes),
                    _ => *kept = None,
                }
                let result = input.as_mut().map_or(Ok(()), |input| input.write_all(bytes));
                if result.is_err() {
                    let before = std::mem::replace(&mut self.state, State::Left);
                    if let State::Paged { pager, input, kept } = before {
                        drop(input);
                        if end(pager, kept)? == Ended::Failed {
                            self.state = State::Direct;
                            return Ok(bytes.len());
                        }
                    }
                    return Err(io::ErrorKind::BrokenPipe.into());
                }
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.state {
            State::Paged { input: Some(input), .. } => input.flush().or(Ok(())),
            State::Direct => io::stdout().lock().flush(),
            _ => Ok(()),
        }
    }
}

/// Starts the pager that the user wants, if any can be.
fn start() -> Option<Child> {
    let wanted = std::env::var("PAGER").ok();
    let line = wanted.as_deref().unwrap_or("less -RFX");
    let mut words = line.split_whitespace();
    let program = words.next().filter(|program| *program != "cat")?;
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::piped());
    // A `less` without options shows the escapes that colours are made of.
    if std::env::var_os("LESS").is_none() {
        command.env("LESS", "RFX");
    }
    match command.spawn() {
        Ok(pager) => Some(pager),
        // Nobody asked for the one that is not there.
        Err(_) if wanted.is_none() => None,
        Err(error) => {
            say(format_args!("note: the pager '{}' does not start: {error}", escaped(line)));
            None
        }
    }
}

#[derive(PartialEq, Eq)]
enum Ended {
    Well,
    Failed,
}

/// Waits for the pager; if it failed, what it was given is written to the standard output.
fn end(mut pager: Child, kept: Option<Vec<u8>>) -> io::Result<Ended> {
    let status = pager.wait()?;
    match kept {
        Some(text) if !status.success() => {
            say(format_args!("note: the pager failed: {status}"));
            to_stdout(&text)?;
            Ok(Ended::Failed)
        }
        _ => Ok(Ended::Well),
    }
}

fn to_stdout(text: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text)?;
    out.flush()
}
