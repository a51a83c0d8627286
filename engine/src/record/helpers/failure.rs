//! Errors to text of a bounded length. An event must not be refused because an error talks much.

use std::error::Error;
use std::fmt::{self, Display, Write};

/// Most bytes of an error's own text, of it with its causes, and of a backtrace. Together with a message they fit one
/// event.
pub(super) const MESSAGE_BYTES_MAX: usize = 4 * 1024;
pub(super) const CHAIN_BYTES_MAX: usize = 8 * 1024;
pub(super) const BACKTRACE_BYTES_MAX: usize = 16 * 1024;

/// Most causes that are followed: a chain may be a ring.
const CAUSES_MAX: usize = 32;

/// Takes text up to a length, and counts the rest.
struct Bounded {
    text: String,
    bytes_max: usize,
    bytes_cut: usize,
}

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = if self.bytes_cut == 0 { self.bytes_max - self.text.len() } else { 0 };
        let fits = (0..=room.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        self.text.push_str(&text[..fits]);
        self.bytes_cut += text.len() - fits;
        Ok(())
    }
}

impl Bounded {
    fn new(bytes_max: usize) -> Bounded {
        Bounded { text: String::new(), bytes_max, bytes_cut: 0 }
    }

    /// A text whose formatting fails is kept as far as it came, and says so.
    fn add(&mut self, text: impl Display) {
        if write!(self, "{text}").is_err() {
            self.text.push_str(" (its formatting failed)");
        }
    }

    fn finish(mut self) -> String {
        if self.bytes_cut > 0 {
            self.text.push_str(&format!("... ({} more bytes)", self.bytes_cut));
        }
        self.text
    }
}

/// The text, cut to about that length.
pub(super) fn bounded(text: impl Display, bytes_max: usize) -> String {
    let mut bounded = Bounded::new(bytes_max);
    bounded.add(text);
    bounded.finish()
}

/// An error and what caused it, `a: b: c`, cut to about that length.
pub(super) fn chain(error: &(dyn Error + '_), bytes_max: usize) -> String {
    let mut bounded = Bounded::new(bytes_max);
    bounded.add(error);
    let mut causes = std::iter::successors(error.source(), |cause| Error::source(*cause));
    for cause in causes.by_ref().take(CAUSES_MAX) {
        bounded.add(": ");
        bounded.add(cause);
    }
    if causes.next().is_some() {
        bounded.add(": ... (more causes)");
    }
    bounded.finish()
}
