//! What a test of messages gives for all rows of a shape, without putting their messages together.
//!
//! Most messages are a few words with numbers and names in between. A word that is looked for is either in the words
//! that all messages of the shape share, or in one of the names, or nowhere: it cannot reach across a piece if it has
//! none of the characters at the edges. Where that does not decide, the messages are put together and looked at.

use std::sync::Arc;

use blotter_engine::segment::{MessagePart, Texts};

use crate::plan::needle::Needle;
use crate::plan::scalar::Test;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Every message passes.
    Always,
    /// None does.
    Never,
    /// Each has to be looked at.
    Unknown,
}

/// Which dictionaries have a text with the needle in it, as far as they were asked.
pub(crate) type Asked = Vec<(Arc<Texts>, bool)>;

/// What a test gives for messages of these parts.
pub(crate) fn outcome(test: &Test, parts: Vec<MessagePart>, asked: &mut Asked) -> Outcome {
    let (needle, word_goes_on) = match test {
        Test::Words { text, prefix } => (text, Some(*prefix)),
        Test::Contains { text } => (text, None),
        _ => return Outcome::Unknown,
    };
    if needle.text().is_empty() {
        return Outcome::Unknown;
    }
    let parts = joined(parts);
    let last = parts.len().saturating_sub(1);
    let mut is_excluded = true;
    for (index, part) in parts.iter().enumerate() {
        match part {
            MessagePart::Literal(literal) => {
                let found = match word_goes_on {
                    None => needle.is_in(literal),
                    Some(prefix) => is_word_in(needle, literal, (index > 0, index < last), prefix),
                };
                if found {
                    return Outcome::Always;
                }
                is_excluded &= !needle.is_in(literal);
            }
            MessagePart::Number => {
                is_excluded &=
                    !needle.text().contains(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-'));
            }
            MessagePart::Text(texts) => {
                let before = index.checked_sub(1).map(|before| &parts[before]);
                let is_bounded = is_bound(needle, before, |literal| literal.chars().next_back())
                    && is_bound(needle, parts.get(index + 1), |literal| literal.chars().next());
                is_excluded = is_excluded && is_bounded && !any_has(needle, texts, asked);
            }
            MessagePart::Other => is_excluded = false,
        }
    }
    if is_excluded { Outcome::Never } else { Outcome::Unknown }
}

/// The parts with literal ones that follow each other made one.
fn joined(parts: Vec<MessagePart>) -> Vec<MessagePart> {
    let mut joined: Vec<MessagePart> = Vec::with_capacity(parts.len());
    for part in parts {
        match (joined.last_mut(), part) {
            (Some(MessagePart::Literal(before)), MessagePart::Literal(literal)) => {
                *before = format!("{before}{literal}").into();
            }
            (_, part) => joined.push(part),
        }
    }
    joined
}

/// Whether a needle stands as a word in a literal, whatever stands before and after it, where something does.
fn is_word_in(needle: &Needle, literal: &str, (before, after): (bool, bool), prefix: bool) -> bool {
    // At worst what is next to it is a letter, so one is put there that the needle does not have.
    let Some(letter) = ['x', 'λ', 'ж'].into_iter().find(|letter| !needle.text().contains(*letter)) else {
        return false;
    };
    let mut text = String::with_capacity(literal.len() + 4);
    text.extend(before.then_some(letter));
    text.push_str(literal);
    text.extend(after.then_some(letter));
    needle.is_word_in(&text, prefix)
}

/// Whether no needle reaches over the edge to a neighbour: there is none, or it is literal and the needle does not
/// have the character at the edge.
fn is_bound(needle: &Needle, neighbour: Option<&MessagePart>, edge: impl Fn(&str) -> Option<char>) -> bool {
    match neighbour {
        None => true,
        Some(MessagePart::Literal(literal)) => edge(literal)
            .is_some_and(|c| !needle.text().contains(c) && !needle.text().contains(c.to_ascii_lowercase())),
        Some(_) => false,
    }
}

fn any_has(needle: &Needle, texts: &Arc<Texts>, asked: &mut Asked) -> bool {
    if let Some((_, has)) = asked.iter().find(|(known, _)| Arc::ptr_eq(known, texts)) {
        return *has;
    }
    let has = texts.iter().any(|text| needle.is_in(text));
    asked.push((Arc::clone(texts), has));
    has
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literal(text: &str) -> MessagePart {
        MessagePart::Literal(text.into())
    }

    fn check(test: &Test, parts: &[MessagePart], expected: Outcome) {
        assert_eq!(outcome(test, parts.to_vec(), &mut Vec::new()), expected, "{test:?} {parts:?}");
    }

    #[test]
    fn words_are_decided_by_pieces() {
        let word = |text: &str| Test::Words { text: Needle::folded(text), prefix: false };
        let latency = [literal("order Submitted (latency "), MessagePart::Number, literal("us)")];
        check(&word("submitted"), &latency, Outcome::Always);
        check(&word("order"), &latency, Outcome::Always);
        check(&word("rejected"), &latency, Outcome::Never);
        check(&word("submit"), &latency, Outcome::Unknown);
        // After a number there is no new word.
        check(&word("us"), &latency, Outcome::Unknown);
        check(&word("17us"), &latency, Outcome::Unknown);
        let prefix = Test::Words { text: Needle::folded("submit"), prefix: true };
        check(&prefix, &latency, Outcome::Always);
        let contains = |text: &str| Test::Contains { text: Needle::exact(text) };
        check(&contains("us)"), &latency, Outcome::Always);
        check(&contains("US)"), &latency, Outcome::Never);
        check(&contains("7us)"), &latency, Outcome::Unknown);
        check(&contains(""), &latency, Outcome::Unknown);
        // Pieces that follow each other are one.
        check(&word("rejected"), &[literal("rej"), literal("ected")], Outcome::Always);
        check(&word("rejected"), &[MessagePart::Other], Outcome::Unknown);
        check(&word("xλж"), &[literal("a "), MessagePart::Number], Outcome::Never);
        check(&Test::Exists, &latency, Outcome::Unknown);
    }

    #[test]
    fn names_are_asked_only_where_nothing_reaches_over_their_edges() {
        let dir = tempfile::tempdir().unwrap();
        let db = blotter_engine::Options::new().without_threads().open(dir.path().join("db")).unwrap();
        let mut recorder = db.recorder(blotter_engine::RecorderOptions::new()).unwrap();
        for symbol in ["AAPL", "timeout", "ab"] {
            assert!(recorder.system("x").symbol(symbol).emit().is_accepted());
        }
        db.seal().unwrap();
        let part = db.snapshot().unwrap().segment_parts(&blotter_engine::Predicate::all()).remove(0);
        let segment = part.open().unwrap();
        let column = segment.columns().iter().position(|info| info.key.name() == "symbol").unwrap();
        let vector = segment.decode(0, blotter_engine::segment::ColumnId::Field(column as u32)).unwrap();
        let blotter_engine::segment::Values::Str { texts, .. } = vector.values else { panic!("texts") };
        let text = || MessagePart::Text(Arc::clone(&texts));
        let word = |text: &str| Test::Words { text: Needle::folded(text), prefix: false };
        check(&word("rejected"), &[literal("quote "), text()], Outcome::Never);
        check(&word("TIMEOUT"), &[literal("quote "), text()], Outcome::Unknown);
        check(&word("quote"), &[literal("quote "), text()], Outcome::Always);
        // "r" + "ab" could be "rab"; after a space nothing goes on, but for what has a space itself.
        check(&word("rab"), &[literal("for"), text()], Outcome::Unknown);
        check(&word("rab"), &[literal("for "), text()], Outcome::Never);
        check(&word("for ab"), &[literal("for "), text()], Outcome::Unknown);
        check(&word("rab"), &[MessagePart::Number, text()], Outcome::Unknown);
    }
}
