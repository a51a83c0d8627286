//! Text that is looked for in other text.
//!
//! In any ASCII case, the search goes by the byte of the text that logs have least often, in both its cases, and looks
//! at the rest where that stands.

use memchr::memmem;

/// A text to look for, prepared once.
#[derive(Clone, Debug)]
pub(crate) struct Needle {
    /// In lower case if it is looked for in any case.
    text: Box<str>,
    search: Search,
}

#[derive(Clone, Debug)]
enum Search {
    Exact(Box<memmem::Finder<'static>>),
    /// By the byte at that place of the text.
    Folded(usize),
}

/// Bytes of usual messages, the most frequent first; those not listed are rarer.
const FREQUENT: &[u8] = b" e_taoinrsdl0cum1p2fgh35:4=bvy";

impl Needle {
    /// Looked for as it is.
    pub(crate) fn exact(text: &str) -> Needle {
        let finder = memmem::Finder::new(text).into_owned();
        Needle { text: text.into(), search: Search::Exact(Box::new(finder)) }
    }

    /// Looked for in any case of ASCII letters.
    pub(crate) fn folded(text: &str) -> Needle {
        let text = text.to_ascii_lowercase();
        let frequency = |byte: u8| {
            FREQUENT.iter().position(|known| *known == byte).map_or(0, |place| FREQUENT.len() - place)
        };
        let rarest = (0..text.len()).min_by_key(|at| frequency(text.as_bytes()[*at])).unwrap_or(0);
        Needle { text: text.into(), search: Search::Folded(rarest) }
    }

    /// What is looked for; in lower case if in any case.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether it stands in a text.
    pub(crate) fn is_in(&self, haystack: &str) -> bool {
        self.find(haystack, 0).is_some()
    }

    /// Whether it stands in a text and not within a longer word; with `prefix`, a word may go on after it. Where it
    /// begins or ends with what is no part of words, that end is not looked at.
    pub(crate) fn is_word_in(&self, haystack: &str, prefix: bool) -> bool {
        let check_before = self.text.chars().next().is_some_and(is_of_word);
        let check_after = !prefix && self.text.chars().next_back().is_some_and(is_of_word);
        let mut from = 0;
        while let Some(at) = self.find(haystack, from) {
            let end = at + self.text.len();
            let goes_on_before = check_before && haystack[..at].chars().next_back().is_some_and(is_of_word);
            let goes_on_after = check_after && haystack[end..].chars().next().is_some_and(is_of_word);
            let is_free = !goes_on_before && !goes_on_after;
            if is_free {
                return true;
            }
            from = at + self.text.chars().next().map_or(1, char::len_utf8);
        }
        false
    }

    /// The first place at or after `from`.
    fn find(&self, haystack: &str, from: usize) -> Option<usize> {
        let bytes = haystack.as_bytes().get(from..)?;
        match &self.search {
            Search::Exact(finder) => finder.find(bytes).map(|at| from + at),
            Search::Folded(rarest) => find_folded(bytes, self.text.as_bytes(), *rarest).map(|at| from + at),
        }
    }
}

/// Whether a character is part of words.
fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The first place of a lower-case text in another, in any case of ASCII letters, by its byte at `rarest`.
fn find_folded(haystack: &[u8], needle: &[u8], rarest: usize) -> Option<usize> {
    let Some(&byte) = needle.get(rarest) else { return Some(0) };
    let last = haystack.len().checked_sub(needle.len())?;
    let matches = |at: usize| haystack[at..at + needle.len()].eq_ignore_ascii_case(needle);
    // The rarest byte of a match stands between these.
    let window = &haystack[rarest..=last + rarest];
    if byte.is_ascii_lowercase() {
        memchr::memchr2_iter(byte, byte.to_ascii_uppercase(), window).find(|at| matches(*at))
    } else {
        memchr::memchr_iter(byte, window).find(|at| matches(*at))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_stand_alone_in_any_case() {
        for (text, prefix, haystack, expected) in [
            ("timeout", false, "Order TIMEOUT after 5s", true),
            ("timeout", false, "timeouts", false),
            ("timeout", true, "timeouts", true),
            ("timeout", true, "a_timeout", false),
            ("timeout", false, "a_timeout or timeout", true),
            ("timeout", false, "(timeout)", true),
            ("timeout", false, "xtimeout timeout", true),
            ("5s", false, "after 5s", true),
            ("5s", false, "15s", false),
            ("#7", false, "order#7 sent", true),
            ("#7", false, "order#78 sent", false),
            ("rejected:", false, "rejected:margin", true),
            ("é", false, "caf\u{e9}", false),
            ("é", false, "é", true),
            ("über", false, "ÜBER", false),
            ("a", false, "éa", false),
            ("aa", false, "aaa aa", true),
            ("not found", false, "symbol Not Found here", true),
            ("", false, "anything", true),
            ("x", false, "", false),
        ] {
            assert_eq!(
                Needle::folded(text).is_word_in(haystack, prefix),
                expected,
                "{text:?} in {haystack:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn texts_are_found_as_by_looking_everywhere(
            haystack in "[aAbB éÉ_1]{0,30}", needle in "[aAbB éÉ_1]{0,4}"
        ) {
            let folded = haystack.to_ascii_lowercase().contains(&needle.to_ascii_lowercase());
            prop_assert_eq!(Needle::folded(&needle).is_in(&haystack), folded);
            prop_assert_eq!(Needle::exact(&needle).is_in(&haystack), haystack.contains(&needle));
        }

        #[test]
        fn words_are_found_as_by_looking_everywhere(
            haystack in "[aA éÉ_.]{0,20}", needle in "[aA éÉ_.]{1,3}", prefix: bool
        ) {
            let (low, wanted) = (haystack.to_ascii_lowercase(), needle.to_ascii_lowercase());
            let expected = low.char_indices().map(|(at, _)| at).any(|at| {
                let Some(rest) = low[at..].strip_prefix(&wanted) else { return false };
                let before = low[..at].chars().next_back().is_some_and(is_of_word);
                let after = rest.chars().next().is_some_and(is_of_word);
                let before = before && wanted.chars().next().is_some_and(is_of_word);
                let after = after && !prefix && wanted.chars().next_back().is_some_and(is_of_word);
                !before && !after
            });
            prop_assert_eq!(Needle::folded(&needle).is_word_in(&haystack, prefix), expected);
        }
    }
}
