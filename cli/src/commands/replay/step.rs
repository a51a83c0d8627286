//! Going through a replay in the terminal, moment by moment: the book then, the order then, what happens.

use blotter::desk::replay::{Entry, EntryKind, Replay, Touch};
use blotter::query::datum::DatumRef;

use super::keys::{Key, Screen};
use crate::args::Showing;
use crate::outcome::Failure;
use crate::render::escape::escaped;
use crate::render::orders::{details, ordered, stretch};
use crate::render::style::{Paint, Style, terminal_size};
use crate::render::text;
use crate::render::value::{TimeForm, text_of};
use crate::render::width::clip;

const HELP: &str = "n space ↓ next   p ↑ before   N P order events   g G ends   q leave";

/// Moments that a page key goes over.
const PAGE: usize = 10;

/// Lines that are not of the list: what is above it and below it.
const FRAME_LINES: usize = 9;

/// The size of a terminal that does not tell.
const SIZE: (usize, usize) = (80, 24);

/// Goes through a replay until it is left.
pub(super) fn run(found: &Replay, showing: &Showing) -> Result<(), Failure> {
    let style = Style::of_stdout(showing.color, "");
    let times = TimeForm::whole(showing.zone);
    let screen = Screen::take().map_err(Failure::output)?;
    let mut at = first(found);
    loop {
        let size = terminal_size().unwrap_or(SIZE);
        screen.paint(&picture(found, at, size, times, style)).map_err(Failure::output)?;
        let keys = screen.keys().map_err(Failure::output)?;
        if keys.is_empty() {
            return Ok(());
        }
        for key in keys {
            match moved(found, at, key) {
                Some(next) => at = next,
                None => return Ok(()),
            }
        }
    }
}

/// The first moment of the order itself.
fn first(found: &Replay) -> usize {
    found.timeline.iter().position(|entry| entry.kind == EntryKind::Step).unwrap_or(0)
}

/// Where a key leads; none if it leaves.
fn moved(found: &Replay, at: usize, key: Key) -> Option<usize> {
    let last = found.timeline.len().saturating_sub(1);
    let is_step = |at: &usize| found.timeline[*at].kind == EntryKind::Step;
    Some(match key {
        // Ctrl-C and Ctrl-D, too.
        Key::Char(b'q' | b'Q' | 0x03 | 0x04) | Key::Escape => return None,
        Key::Char(b'n' | b' ' | b'j' | b'\r') | Key::Down | Key::Right => (at + 1).min(last),
        Key::Char(b'p' | b'k' | 0x7f | 0x08) | Key::Up | Key::Left => at.saturating_sub(1),
        Key::Char(b'N') => (at + 1..=last).find(is_step).unwrap_or(at),
        Key::Char(b'P') => (0..at).rev().find(is_step).unwrap_or(at),
        Key::Char(b'g') | Key::Home => 0,
        Key::Char(b'G') | Key::End => last,
        Key::PageDown => (at + PAGE).min(last),
        Key::PageUp => at.saturating_sub(PAGE),
        Key::Char(_) => at,
    })
}

/// The screen at a moment: as many lines as it has, none wider.
fn picture(
    found: &Replay,
    at: usize,
    (columns, rows): (usize, usize),
    times: TimeForm,
    style: Style,
) -> Vec<String> {
    let title = format!("order {}  {}", escaped(&found.life.order_id), ordered(&found.life));
    let mut lines = vec![style.paint(&clip(&title, columns), Paint::Header)];
    let Some(entry) = found.timeline.get(at) else { return lines };
    lines.push(format!(
        "{} of {}   {}   {} from the decision",
        at + 1,
        found.timeline.len(),
        text_of(DatumRef::Time(entry.ts), times),
        stretch(entry.since_decision_ns),
    ));
    lines.push(String::new());
    lines.push(format!("book   {}", book(entry.touch.as_ref())));
    lines.push(format!("order  {}", state(found, entry)));
    lines.push(String::new());
    let room = rows.saturating_sub(FRAME_LINES).max(1);
    // The moment stands in the middle, but for the ends.
    let begin = at.saturating_sub(room / 2).min(found.timeline.len().saturating_sub(room));
    for (place, entry) in found.timeline.iter().enumerate().skip(begin).take(room) {
        let line = clip(&in_list(entry, times, place == at), columns);
        let paint = match entry.kind {
            _ if place == at => Paint::Header,
            kind if kind.is_market() => Paint::Faint,
            EntryKind::Error => Paint::Level(blotter::event::Level::Error),
            _ => Paint::Plain,
        };
        lines.push(style.paint(&line, paint));
    }
    lines.push(String::new());
    let mut event = String::new();
    text::event(&mut event, &entry.row, times, &Style::PLAIN);
    lines.push(event);
    lines.push(style.paint(&clip(HELP, columns), Paint::Faint));
    let mut lines: Vec<String> = lines.iter().map(|line| clip(line, columns)).collect();
    lines.truncate(rows.max(1));
    lines
}

fn in_list(entry: &Entry, times: TimeForm, is_here: bool) -> String {
    let mark = if is_here { ">" } else { " " };
    let since = stretch(entry.since_decision_ns);
    let what = match (entry.kind, &entry.touch) {
        (EntryKind::Quote, touch) => book(touch.as_ref()),
        _ => {
            let name = entry.row.get("event").as_str().unwrap_or_default();
            format!("{} {}", escaped(name), details(&entry.row, times))
        }
    };
    format!("{mark} {since:>14}  {:<7}  {what}", entry.kind.name())
}

fn book(touch: Option<&Touch>) -> String {
    let Some(touch) = touch else { return "no quote yet".to_owned() };
    let side = |price: Option<blotter::Decimal>| price.map_or("-".to_owned(), |price| price.to_string());
    let size = |size: Option<blotter::Decimal>| size.map_or(String::new(), |size| format!("{size} x "));
    let mut text = format!("{}{} | {}", size(touch.bid_size), side(touch.bid), side(touch.ask));
    if let Some(size) = touch.ask_size {
        text.push_str(&format!(" x {size}"));
    }
    if let (Some(mid), Some(spread)) = (touch.mid(), touch.spread()) {
        text.push_str(&format!("   mid {mid}, spread {spread}"));
    }
    text
}

fn state(found: &Replay, entry: &Entry) -> String {
    let state = &entry.state;
    let Some(status) = state.status else { return "not yet created".to_owned() };
    let mut text = status.as_str().to_owned();
    if let Some(filled) = state.filled_quantity {
        text.push_str(&format!("   filled {filled}"));
        if let Some(quantity) = found.life.quantity {
            text.push_str(&format!(" of {quantity}"));
        }
    }
    if let Some(average) = state.average_fill_price {
        text.push_str(&format!(" at {average}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use blotter::desk::replay::{ReplayOptions, replay};
    use blotter::event::{Category, Level, OrderStatus, Side, Timestamp, dec};
    use blotter::{Options, QueryOptions, RecorderOptions, Tz};

    use super::*;

    /// An order of three events with two quotes around it.
    fn replayed() -> Replay {
        let directory = tempfile::tempdir().unwrap();
        let db = Options::new().without_threads().open(directory.path().join("db")).unwrap();
        let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
        let quote = |recorder: &mut blotter::Recorder, ms: i64, bid| {
            let event =
                recorder.event(Category::MARKET_DATA, Level::Debug, "quote").at(Timestamp(ms * 1_000_000));
            event.symbol("X").field("bid", bid).field("ask", dec!(11)).field("bid_size", 5).emit();
        };
        quote(&mut recorder, 0, dec!(9));
        let order =
            recorder.order(OrderStatus::Created).at(Timestamp(1_000_000)).order_id("A\x1b").symbol("X");
        order.side(Side::Buy).quantity(3).price(10).emit();
        quote(&mut recorder, 2, dec!(10));
        let fill = recorder.fill(OrderStatus::Filled).at(Timestamp(3_000_000)).order_id("A\x1b").symbol("X");
        fill.fill_quantity(3).fill_price(11).emit();
        db.flush().unwrap();
        replay(&db, "A\x1b", &ReplayOptions::default(), &QueryOptions::default()).unwrap().unwrap()
    }

    #[test]
    fn keys_lead_where_they_say_and_no_further() {
        let found = replayed();
        assert_eq!((first(&found), found.timeline.len()), (1, 4));
        for (at, key, expected) in [
            (1, Key::Char(b'n'), Some(2)),
            (3, Key::Char(b' '), Some(3)),
            (1, Key::Up, Some(0)),
            (0, Key::Char(b'p'), Some(0)),
            (1, Key::Char(b'N'), Some(3)),
            (3, Key::Char(b'N'), Some(3)),
            (3, Key::Char(b'P'), Some(1)),
            (2, Key::Char(b'g'), Some(0)),
            (0, Key::End, Some(3)),
            (0, Key::PageDown, Some(3)),
            (3, Key::PageUp, Some(0)),
            (2, Key::Char(b'x'), Some(2)),
            (2, Key::Char(b'q'), None),
            (2, Key::Char(0x03), None),
            (2, Key::Escape, None),
        ] {
            assert_eq!(moved(&found, at, key), expected, "{at} {key:?}");
        }
    }

    #[test]
    fn the_screen_fits_and_is_safe() {
        let found = replayed();
        let times = TimeForm::whole(Tz::UTC);
        let shown = picture(&found, 3, (100, 24), times, Style::PLAIN);
        assert_eq!(
            shown[..10],
            [
                "order A\\x1b  BUY 3 X @ 10",
                "4 of 4   1970-01-01T00:00:00.003000000Z   +2ms from the decision",
                "",
                "book   5 x 10 | 11   mid 10.5, spread 1",
                "order  filled   filled 3 of 3 at 11",
                "",
                "            -1ms  quote    5 x 9 | 11   mid 10, spread 2",
                "             +0s  order    order_created side=BUY quantity=3 price=10",
                "            +1ms  quote    5 x 10 | 11   mid 10.5, spread 1",
                ">           +2ms  order    order_filled fill_quantity=3 fill_price=11",
            ]
        );
        for (columns, rows) in [(20, 5), (40, 10), (100, 12), (300, 200)] {
            for at in 0..found.timeline.len() {
                let shown = picture(&found, at, (columns, rows), times, Style::PLAIN);
                assert!(shown.len() <= rows, "{rows}: {shown:?}");
                assert!(shown.iter().all(|line| crate::render::width::width(line) <= columns), "{shown:?}");
                assert!(shown.iter().all(|line| !line.contains('\x1b')), "{shown:?}");
            }
        }
    }
}
