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
        let mut fits = room.min(text.len());
        while !text.is_char_boundary(fits) {
            fits -= 1;
        }
        self.text.push_str(&text[..fits]);
        self.bytes_cut += text.len() - fits;
        Ok(())
    }
}

impl Bounded {
    fn new(bytes_max: usize) -> Bounded {
        Bounded { text: String::new(), bytes_max, bytes_cut: 0 }
    }

    fn finish(self, written: fmt::Result) -> String {
        let Bounded { mut text, bytes_cut, .. } = self;
        if bytes_cut > 0 {
            text.push_str(&format!("... ({bytes_cut} more bytes)"));
        }
        if written.is_err() {
            text.push_str("... (its formatting failed)");
        }
        text
    }
}

/// The text, cut after so many bytes or a little before, between characters; what is cut says how much is missing.
///
/// ```
/// use blotter_engine::record::bounded_text;
/// assert_eq!(bounded_text("1234567890", 4), "1234... (6 more bytes)");
/// ```
pub fn bounded_text(text: impl Display, bytes_max: usize) -> String {
    let mut bounded = Bounded::new(bytes_max);
    let written = write!(bounded, "{text}");
    bounded.finish(written)
}

/// An error and what caused it, `a: b: c`, up to 32 causes; cut like [`bounded_text`].
pub fn error_chain(error: &(dyn Error + '_), bytes_max: usize) -> String {
    let mut bounded = Bounded::new(bytes_max);
    let written = write_chain(&mut bounded, error);
    bounded.finish(written)
}

fn write_chain(to: &mut Bounded, error: &(dyn Error + '_)) -> fmt::Result {
    write!(to, "{error}")?;
    let mut causes = std::iter::successors(error.source(), |cause| Error::source(*cause));
    for cause in causes.by_ref().take(CAUSES_MAX) {
        write!(to, ": {cause}")?;
    }
    if causes.next().is_some() { to.write_str(": ... (more causes)") } else { Ok(()) }
}
