//! `.watch`: a query again and again, each time of what is recorded up to then.
//!
//! On a terminal each picture is painted over the one before, cut to the screen, until an interrupt; in a pipe
//! one follows the other, until the input goes on or ends.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use blotter::query::error::ErrorKind;

use super::commands::wrong;
use super::freshness::Freshness;
use super::input::Lines;
use super::session::{Session, now};
use crate::args::values;
use crate::outcome::Failure;
use crate::render::style::{Paint, terminal_size};
use crate::render::width::clip;

/// How soon an interrupt is noticed between two pictures.
const NOTICE: Duration = Duration::from_millis(20);

/// The shortest interval: less would only read.
const INTERVAL_MIN: Duration = Duration::from_millis(100);

/// Runs the command: `INTERVAL QUERY`.
pub(super) fn run(session: &mut Session, argument: &str, lines: Option<&mut Lines>) -> Result<(), Failure> {
    let usage = || wrong("'.watch' takes an interval and a query; hint: .watch 2s level >= error".to_owned());
    let (interval, query) = argument.split_once(char::is_whitespace).ok_or_else(usage)?;
    let interval = values::duration(interval).map_err(wrong)?;
    if interval < INTERVAL_MIN {
        return Err(wrong(format!("the shortest interval is {INTERVAL_MIN:?}")));
    }
    let query = query.trim();
    session.last_query = Some(query.to_owned());
    match lines {
        None => repaint(session, interval, query),
        Some(lines) => loop {
            session.ask(query)?;
            if lines.comes_within(interval) {
                return Ok(());
            }
        },
    }
}

/// Paints over the picture before until interrupted.
fn repaint(session: &mut Session, interval: Duration, query: &str) -> Result<(), Failure> {
    let cancel = session.cancel();
    cancel.reset();
    let mut rows_before = 0;
    while !cancel.is_cancelled() {
        let begun = Instant::now();
        let Some((columns, rows)) = terminal_size() else { return Ok(()) };
        let snapshot = session.reader.snapshot()?;
        let style = session.style();
        let freshness = Freshness::of(&snapshot).to_text(now());
        let head = format!("every {interval:?}, Ctrl-C ends; {freshness}");
        let mut picture = Vec::new();
        let answer = session.answer(&snapshot, query, style, &mut picture)?;
        if let Some(error) = &answer.error {
            if error.kind() != ErrorKind::Cancelled {
                session.report(&answer);
            }
            return Ok(());
        }
        let picture = String::from_utf8_lossy(&picture);
        let shown = paint(&style.paint(&clip(&head, columns), Paint::Faint), &picture, columns, rows);
        // All at once, so that nothing flickers.
        let mut screen = if rows_before > 0 { format!("\x1b[{rows_before}A\r") } else { String::new() };
        rows_before = shown.len();
        for line in shown {
            screen.push_str(&line);
            screen.push_str("\x1b[K\n");
        }
        screen.push_str("\x1b[J");
        let mut out = io::stdout().lock();
        out.write_all(screen.as_bytes()).and_then(|()| out.flush()).map_err(Failure::output)?;
        drop(out);
        if !answer.unreadable.is_empty() {
            session.report(&answer);
            rows_before = 0;
        }
        while begun.elapsed() < interval && !cancel.is_cancelled() {
            std::thread::sleep(NOTICE.min(interval.saturating_sub(begun.elapsed())));
        }
    }
    Ok(())
}

/// The lines of a picture that the screen has room for.
fn paint(head: &str, picture: &str, columns: usize, rows: usize) -> Vec<String> {
    // The last row of the screen stays free for the cursor.
    let room = rows.saturating_sub(1).max(2);
    let mut lines = vec![head.to_owned()];
    let total = picture.lines().count();
    let shown = if total < room { total } else { room - 2 };
    lines.extend(picture.lines().take(shown).map(|line| clip(line, columns)));
    if shown < total {
        lines.push(format!("... {} more lines", total - shown));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_cut_to_the_screen_and_says_so() {
        assert_eq!(paint("head", "a\nb\n", 80, 24), ["head", "a", "b"]);
        assert_eq!(paint("head", "a\nb\nc\nd\n", 80, 5), ["head", "a", "b", "... 2 more lines"]);
        assert_eq!(paint("head", "a\nb\nc\n", 80, 5), ["head", "a", "b", "c"]);
        assert_eq!(paint("head", "abcdef\n", 4, 24), ["head", "abc…"]);
    }
}
