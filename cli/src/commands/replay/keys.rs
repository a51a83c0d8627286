//! Keys as they are pressed, without a line end, and the screen given back as it was.

use std::io::{self, Read, Write};

/// A key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// A character.
    Char(u8),
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    Home,
    End,
    /// Escape alone.
    Escape,
}

/// Whether keys can be read here one by one.
pub(super) const ARE_READ: bool = cfg!(unix);

/// The keys in what a terminal has sent; each press comes whole.
pub(super) fn keys_of(bytes: &[u8]) -> Vec<Key> {
    let mut keys = Vec::new();
    let mut rest = bytes;
    while let [first, after @ ..] = rest {
        let (key, taken) = match (first, after) {
            (0x1b, [b'[' | b'O', ..]) => sequence(rest),
            (0x1b, _) => (Some(Key::Escape), 1),
            (byte, _) => (Some(Key::Char(*byte)), 1),
        };
        keys.extend(key);
        rest = &rest[taken..];
    }
    keys
}

/// A key that is sent as several bytes, and how many; none of a key that means nothing here.
fn sequence(bytes: &[u8]) -> (Option<Key>, usize) {
    // Parameters, then one byte that ends it.
    let end = bytes.iter().skip(2).position(|byte| (0x40..=0x7e).contains(byte));
    let Some(end) = end.map(|end| end + 2) else { return (None, bytes.len()) };
    let key = match (&bytes[2..end], bytes[end]) {
        (b"", b'A') => Some(Key::Up),
        (b"", b'B') => Some(Key::Down),
        (b"", b'C') => Some(Key::Right),
        (b"", b'D') => Some(Key::Left),
        (b"", b'H') | (b"1" | b"7", b'~') => Some(Key::Home),
        (b"", b'F') | (b"4" | b"8", b'~') => Some(Key::End),
        (b"5", b'~') => Some(Key::PageUp),
        (b"6", b'~') => Some(Key::PageDown),
        _ => None,
    };
    (key, end + 1)
}

/// The terminal with keys read one by one and a screen of its own; as it was before when this is dropped, whatever
/// happened in between.
pub(super) struct Screen {
    #[cfg(unix)]
    before: rustix::termios::Termios,
}

impl Screen {
    /// Takes the terminal.
    ///
    /// # Errors
    /// It says no.
    #[cfg(unix)]
    pub(super) fn take() -> io::Result<Screen> {
        use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
        let before = tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(io::stdin(), OptionalActions::Now, &raw)?;
        let screen = Screen { before };
        let mut out = io::stdout().lock();
        out.write_all(b"\x1b[?1049h\x1b[?25l")?;
        out.flush()?;
        Ok(screen)
    }

    /// Keys are not read here.
    ///
    /// # Errors
    /// Always.
    #[cfg(not(unix))]
    pub(super) fn take() -> io::Result<Screen> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Waits for keys; none at the end of the input.
    ///
    /// # Errors
    /// Those of the input.
    pub(super) fn keys(&self) -> io::Result<Vec<Key>> {
        let mut bytes = [0; 64];
        let length = io::stdin().lock().read(&mut bytes)?;
        Ok(keys_of(&bytes[..length]))
    }

    /// Paints all lines of the screen.
    ///
    /// # Errors
    /// Those of the output.
    pub(super) fn paint(&self, lines: &[String]) -> io::Result<()> {
        let mut picture = String::from("\x1b[H");
        for (at, line) in lines.iter().enumerate() {
            // A raw terminal does not go to the first column by itself.
            picture.push_str(if at > 0 { "\r\n" } else { "" });
            picture.push_str(line);
            picture.push_str("\x1b[K");
        }
        picture.push_str("\x1b[J");
        let mut out = io::stdout().lock();
        out.write_all(picture.as_bytes())?;
        out.flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let mut out = io::stdout().lock();
        drop(out.write_all(b"\x1b[?25h\x1b[?1049l").and_then(|()| out.flush()));
        #[cfg(unix)]
        rustix::termios::tcsetattr(io::stdin(), rustix::termios::OptionalActions::Now, &self.before)
            .unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_apart() {
        for (bytes, expected) in [
            (&b"nq "[..], &[Key::Char(b'n'), Key::Char(b'q'), Key::Char(b' ')][..]),
            (b"\x1b[A\x1b[B\x1bOC", &[Key::Up, Key::Down, Key::Right]),
            (b"\x1b[5~\x1b[6~\x1b[H\x1b[4~", &[Key::PageUp, Key::PageDown, Key::Home, Key::End]),
            (b"\x1b", &[Key::Escape]),
            // With a modifier, and cut off.
            (b"\x1b[1;5Cn", &[Key::Char(b'n')]),
            (b"\x1b[1;", &[]),
            (b"", &[]),
        ] {
            assert_eq!(keys_of(bytes), expected, "{bytes:?}");
        }
    }
}
