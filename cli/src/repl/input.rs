//! Lines of the standard input, read ahead so that something else can be done until the next one comes.

use std::io::{self, BufRead, Read};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use blotter::query::limits::QUERY_BYTES_MAX;

use crate::outcome::Failure;

/// Longest line: a query and the command around it.
const LINE_BYTES_MAX: usize = 2 * QUERY_BYTES_MAX;

/// See the module.
pub(super) struct Lines {
    lines: Receiver<io::Result<String>>,
    waiting: Option<io::Result<String>>,
}

impl Lines {
    /// Starts reading.
    pub(super) fn of_stdin() -> Lines {
        let (sender, lines) = sync_channel(1);
        std::thread::spawn(move || {
            let mut stdin = io::stdin().lock();
            loop {
                let line = read_line(&mut stdin);
                let is_last = line.is_err();
                let Some(line) = line.transpose() else { return };
                if sender.send(line).is_err() || is_last {
                    return;
                }
            }
        });
        Lines { lines, waiting: None }
    }

    /// The next line without its end; `None` after the last.
    ///
    /// # Errors
    /// An input that cannot be read, or is not text.
    pub(super) fn next(&mut self) -> Result<Option<String>, Failure> {
        let line = self.waiting.take().or_else(|| self.lines.recv().ok());
        line.transpose().map_err(|error| Failure::io("read", Path::new("the standard input"), error))
    }

    /// Waits for the next line, or the end, and leaves it; false if neither came in time.
    pub(super) fn comes_within(&mut self, time: Duration) -> bool {
        if self.waiting.is_none() {
            match self.lines.recv_timeout(time) {
                Ok(line) => self.waiting = Some(line),
                Err(RecvTimeoutError::Timeout) => return false,
                Err(RecvTimeoutError::Disconnected) => {}
            }
        }
        true
    }
}

fn read_line(input: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    input.take(LINE_BYTES_MAX as u64 + 1).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    if line.len() > LINE_BYTES_MAX {
        let message = format!("a line has more than {LINE_BYTES_MAX} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    let text = String::from_utf8(line);
    text.map(Some).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "a line is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_bounded_text() {
        let mut input: &[u8] = b"one\n\ntwo";
        let mut next = || read_line(&mut input);
        assert_eq!(next().unwrap().as_deref(), Some("one"));
        assert_eq!(next().unwrap().as_deref(), Some(""));
        assert_eq!(next().unwrap().as_deref(), Some("two"));
        assert_eq!(next().unwrap(), None);
        assert!(read_line(&mut &b"\xff\n"[..]).is_err());
        assert!(read_line(&mut &vec![b'a'; LINE_BYTES_MAX + 1][..]).is_err());
    }
}
