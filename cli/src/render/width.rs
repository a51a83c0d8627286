//! The room that text takes on a terminal, and fitting it into less.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns that a text takes. The text is escaped already, so that nothing in it moves the cursor.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// The text if it fits, else as much of it as fits with `…` after it; and whether it was cut.
pub(crate) fn cut(text: &str, columns: usize) -> (String, bool) {
    if width(text) <= columns {
        return (text.to_owned(), false);
    }
    let mut kept = String::new();
    let mut taken = 0;
    for c in text.chars() {
        let next = taken + c.width().unwrap_or(0);
        if next + 1 > columns {
            break;
        }
        kept.push(c);
        taken = next;
    }
    // A sequence can be wider than the sum of its parts.
    while width(&kept) + 1 > columns && kept.pop().is_some() {}
    kept.push('…');
    (kept, true)
}

/// A line of our own, colours included, cut like [`cut`]. Colours end where the line does.
pub(crate) fn clip(line: &str, columns: usize) -> String {
    let mut plain = String::new();
    let mut rest = line;
    let mut clipped = String::new();
    let mut has_colours = false;
    while let Some(c) = rest.chars().next() {
        if let Some((colour, after)) = colour(rest) {
            clipped.push_str(colour);
            has_colours = true;
            rest = after;
            continue;
        }
        plain.push(c);
        if width(&plain) + 1 > columns && !fits(&plain[..plain.len() - c.len_utf8()], rest, columns) {
            clipped.push('…');
            if has_colours {
                clipped.push_str("\x1b[0m");
            }
            return clipped;
        }
        clipped.push(c);
        rest = &rest[c.len_utf8()..];
    }
    clipped
}

/// Whether what is left of a line fits beside what is there.
fn fits(taken: &str, mut rest: &str, columns: usize) -> bool {
    let mut text = taken.to_owned();
    while let Some(c) = rest.chars().next() {
        match colour(rest) {
            Some((_, after)) => rest = after,
            None => {
                text.push(c);
                rest = &rest[c.len_utf8()..];
                // No need to look at all of a line that is far too long.
                if width(&text) > columns {
                    return false;
                }
            }
        }
    }
    true
}

/// The sequence that sets a colour at the start of a text, and what follows it.
fn colour(text: &str) -> Option<(&str, &str)> {
    let end = text.strip_prefix("\x1b[")?.find('m')? + 3;
    Some(text.split_at(end))
}

/// Spaces that fill up to a width.
pub(crate) fn padding(taken: usize, columns: usize) -> String {
    " ".repeat(columns.saturating_sub(taken))
}

/// The greatest width such that, no column being wider than it, the columns fit into the room; no less than
/// the floor of each. `None` if they do not fit even so.
pub(crate) fn cap(widths: &[usize], floor: usize, room: usize) -> Option<usize> {
    let taken = |cap: usize| widths.iter().map(|width| *width.min(&cap)).sum::<usize>();
    let widest = widths.iter().copied().max().unwrap_or(0);
    if taken(widest) <= room {
        return Some(widest);
    }
    (floor..widest).rev().find(|cap| taken(*cap) <= room)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_cut_by_its_width_not_by_its_bytes() {
        for (text, columns, expected) in [
            ("plain", 5, "plain"),
            ("plain", 4, "pla…"),
            ("価格の変化", 10, "価格の変化"),
            ("価格の変化", 9, "価格の変…"),
            ("価格の変化", 8, "価格の…"),
            ("Grüße", 3, "Gr…"),
            ("e\u{301}e\u{301}e\u{301}", 2, "e\u{301}…"),
            ("ab", 1, "…"),
        ] {
            let (shown, is_cut) = cut(text, columns);
            assert_eq!((shown.as_str(), is_cut), (expected, text != expected));
            assert!(width(&shown) <= columns);
        }
    }

    #[test]
    fn lines_with_colours_are_clipped_by_what_is_seen() {
        for (line, columns, expected) in [
            ("\x1b[31mred\x1b[0m", 3, "\x1b[31mred\x1b[0m"),
            ("\x1b[31mredder\x1b[0m", 4, "\x1b[31mred…\x1b[0m"),
            ("plain", 5, "plain"),
            ("plain!", 5, "plai…"),
        ] {
            assert_eq!(clip(line, columns), expected);
        }
    }

    #[test]
    fn the_widest_give_way_first() {
        assert_eq!(cap(&[5, 40, 20], 8, 65), Some(40));
        assert_eq!(cap(&[5, 40, 20], 8, 55), Some(30));
        assert_eq!(cap(&[5, 40, 20], 8, 35), Some(15));
        assert_eq!(cap(&[5, 40, 20], 8, 21), Some(8));
        assert_eq!(cap(&[5, 40, 20], 8, 20), None);
        assert_eq!(cap(&[], 8, 0), Some(0));
    }
}
