//! The letters of the language: space, words, names, text in quotes, keywords, signs.

use std::borrow::Cow;

use nom::Parser;
use nom::bytes::complete::{take_while, take_while1};
use nom::combinator::{recognize, verify};
use nom::sequence::pair;

use super::ast::Name;
use super::source::{Parsed, Problem, Source, fail};
use super::words;
use crate::error::{ErrorKind, QueryError, is_harmful};

/// The rest after white space, comments, and line ends that a backslash takes back. A comment starts with `#` at the
/// start of a line or after white space.
pub(super) fn space<'t>(text: &'t str, mut rest: &'t str) -> &'t str {
    loop {
        let trimmed = rest.trim_start();
        let continued = trimmed.strip_prefix("\\\r\n").or_else(|| trimmed.strip_prefix("\\\n"));
        if let Some(next_line) = continued {
            rest = next_line;
        } else if trimmed.starts_with('#') && follows_space(text, trimmed) {
            rest = trimmed.find('\n').map_or("", |end| &trimmed[end..]);
        } else {
            return trimmed;
        }
    }
}

fn follows_space(text: &str, rest: &str) -> bool {
    text[..text.len() - rest.len()].chars().next_back().is_none_or(char::is_whitespace)
}

/// Whether a character can be part of a bare word.
pub(super) fn is_bare(c: char) -> bool {
    !c.is_whitespace()
        && !c.is_control()
        && !matches!(c, '(' | ')' | '{' | '}' | ',' | '|' | '"' | '\'' | '`' | '<' | '>' | '=' | '!' | '~')
}

/// The bare word that stands here, perhaps empty.
pub(super) fn bare(input: &str) -> (&str, &str) {
    let (rest, word) =
        take_while::<_, &str, Problem>(is_bare).parse(input).expect("no character at all is also taken");
    // A backslash at the end of a line continues the line.
    if word.ends_with('\\') && (rest.starts_with('\n') || rest.starts_with("\r\n")) {
        let (word, rest) = input.split_at(word.len() - 1);
        return (rest, word);
    }
    (rest, word)
}

/// The signs of comparison that stand here, as far as they reach.
pub(super) fn sign(input: &str) -> (&str, &str) {
    take_while::<_, &str, Problem>(|c| matches!(c, '<' | '>' | '=' | '!' | '~'))
        .parse(input)
        .expect("no character at all is also taken")
}

/// `[A-Za-z_][A-Za-z0-9_.]*`
pub(super) fn identifier(input: &str) -> Parsed<'_, &str> {
    recognize(pair(
        verify(take_while1(is_identifier), |run: &str| {
            !run.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        }),
        take_while(is_identifier),
    ))
    .parse(input)
}

fn is_identifier(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '.'
}

/// Whether all of a text is an identifier.
pub(super) fn is_identifier_text(text: &str) -> bool {
    matches!(identifier(text), Ok(("", _)))
}

/// Whether a word is a keyword: all in lower or all in upper case.
pub(super) fn is_keyword(word: &str, keyword: &str) -> bool {
    word == keyword
        || word.len() == keyword.len()
            && word.bytes().zip(keyword.bytes()).all(|(a, b)| a == b.to_ascii_uppercase())
}

/// The rest after a keyword, if it stands here as a whole word.
pub(super) fn keyword<'t>(input: &'t str, keyword: &str) -> Option<&'t str> {
    let (rest, word) = bare(input);
    is_keyword(word, keyword).then_some(rest)
}

/// The keyword among these that stands here.
pub(super) fn keyword_of<'t>(input: &'t str, keywords: &[&'static str]) -> Option<(&'t str, &'static str)> {
    let (rest, word) = bare(input);
    keywords.iter().find(|keyword| is_keyword(word, keyword)).map(|keyword| (rest, *keyword))
}

/// Bytes of the text in quotes or backticks that starts here, to its closing quote, or to the end without one; and
/// whether there is one.
pub(super) fn quoted_extent(input: &str) -> (usize, bool) {
    let mut characters = input.char_indices().peekable();
    let Some((_, quote)) = characters.next() else { return (0, false) };
    while let Some((index, c)) = characters.next() {
        let escaped = if quote == '`' {
            c == quote && characters.peek().is_some_and(|(_, next)| *next == quote)
        } else {
            c == '\\'
        };
        if escaped {
            characters.next();
        } else if c == quote {
            return (index + 1, true);
        }
    }
    (input.len(), false)
}

/// Whether text in quotes starts here.
pub(super) fn starts_quoted(input: &str) -> bool {
    input.starts_with(['"', '\''])
}

/// Text in quotes. `\"`, `\'`, `\\`, `\n`, `\t` and `\u{..}` are escapes; before any other character a backslash stands
/// for itself, so that regular expressions are written as they are.
pub(super) fn quoted<'t>(source: &Source<'t>, input: &'t str) -> Parsed<'t, String> {
    let quote = input.chars().next().expect("the caller saw the quote");
    let unclosed = || {
        let start = source.offset(input);
        let end = start + input.find('\n').unwrap_or(input.len());
        QueryError::new(ErrorKind::Syntax, "the quote is never closed")
            .with_place(super::ast::Span { start, end }, format!("no closing {quote} after this"))
            .with_hint(format!("close the text with {quote}; write \\{quote} for a quote within it"))
    };
    let mut text = String::new();
    let mut rest = &input[1..];
    loop {
        let plain = rest.find([quote, '\\']).unwrap_or(rest.len());
        text.push_str(&rest[..plain]);
        rest = &rest[plain..];
        let mut characters = rest.chars();
        match (characters.next(), characters.clone().next()) {
            (Some('\\'), Some(escaped)) => {
                rest = &rest[1 + escaped.len_utf8()..];
                match escaped {
                    '"' | '\'' | '\\' => text.push(escaped),
                    'n' => text.push('\n'),
                    't' => text.push('\t'),
                    'u' if rest.starts_with('{') => {
                        let (after, c) = code_point(source, rest)?;
                        text.push(c);
                        rest = after;
                    }
                    other => text.extend(['\\', other]),
                }
            }
            (Some('\\') | None, _) => return fail(unclosed()),
            (Some(_), _) if starts_quoted(&rest[1..]) => {
                let after = &rest[1..];
                let place = source.span(after, &after[quoted_extent(after).0..]);
                let error = QueryError::new(ErrorKind::Syntax, "two texts touch")
                    .with_place(place, "another text begins here")
                    .with_hint(format!("for a quote within a text, write \\{quote}"))
                    .with_hint("put a space between two texts");
                return fail(error);
            }
            (Some(_), _) => return Ok((&rest[1..], text)),
        }
    }
}

/// `{1F4C8}`, the rest of an escape.
fn code_point<'t>(source: &Source<'t>, input: &'t str) -> Parsed<'t, char> {
    let digits =
        input[1..].find(|c: char| !c.is_ascii_hexdigit()).map_or(&input[1..], |end| &input[1..][..end]);
    let rest = &input[1 + digits.len()..];
    let c =
        (digits.len() <= 6).then(|| u32::from_str_radix(digits, 16).ok()).flatten().and_then(char::from_u32);
    match (c, rest.strip_prefix('}')) {
        (Some(c), Some(rest)) => Ok((rest, c)),
        _ => {
            let place = source.span(input, rest);
            let error = QueryError::new(ErrorKind::Syntax, "this is no character")
                .with_place(place, "the hexadecimal number of a character goes between the braces")
                .with_hint("for example \\u{e9} is é; write \\\\u for a backslash and a u");
            fail(error)
        }
    }
}

/// `` `any text` ``; a backtick within it is written twice.
fn backticked<'t>(source: &Source<'t>, input: &'t str) -> Parsed<'t, String> {
    let mut name = String::new();
    let mut rest = &input[1..];
    while let Some(end) = rest.find('`') {
        name.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        if rest.starts_with('`') {
            name.push('`');
            rest = &rest[1..];
            continue;
        }
        if name.is_empty() {
            let error = QueryError::new(ErrorKind::Syntax, "a field without a name")
                .with_place(source.span(input, rest), "a name goes between the backticks");
            return fail(error);
        }
        return Ok((rest, name));
    }
    let start = source.offset(input);
    let error = QueryError::new(ErrorKind::Syntax, "the backtick is never closed")
        .with_place(super::ast::Span { start, end: start + 1 }, "opened here")
        .with_hint("close the field's name with a `");
    fail(error)
}

/// The name of a field or column where nothing else can stand.
pub(super) fn name<'t>(source: &Source<'t>, input: &'t str, what: &str) -> Parsed<'t, Name> {
    if input.starts_with('`') {
        let (rest, name) = backticked(source, input)?;
        return Ok((rest, source.spanned(input, rest, name)));
    }
    let Ok((rest, word)) = identifier(input) else {
        return fail(not_a_name(source, input, what));
    };
    if words::RESERVED.iter().any(|keyword| is_keyword(word, keyword)) {
        let error =
            source.expected(input, what).with_hint(format!("a field named `{word}` is written in backticks"));
        return fail(error);
    }
    Ok((rest, source.spanned(input, rest, word.to_owned())))
}

fn not_a_name<'t>(source: &Source<'t>, input: &'t str, what: &str) -> QueryError {
    let error = source.expected(input, what);
    let word = bare(input).1;
    if starts_quoted(input) {
        let inner = input[1..quoted_extent(input).0].trim_end_matches(['"', '\'']);
        error.with_hint(format!("names stand without quotes, or in backticks: {}", name_text(inner)))
    } else if word.chars().any(char::is_alphanumeric) {
        error.with_hint(format!("a field of that name is written in backticks: {}", name_text(word)))
    } else {
        error
    }
}

/// A name as it is written: in backticks if it needs them.
pub(super) fn name_text(name: &str) -> Cow<'_, str> {
    let plain = is_identifier_text(name)
        && !words::KEYWORDS.iter().chain(words::CONSTANTS).any(|keyword| is_keyword(name, keyword));
    if plain { Cow::Borrowed(name) } else { Cow::Owned(format!("`{}`", name.replace('`', "``"))) }
}

/// Text in double quotes with what it needs escaped. What would do something to a terminal
/// comes as `\u{..}`.
pub(crate) fn quoted_text(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if is_harmful(c) => quoted.extend(c.escape_unicode()),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Whether a text of letters, digits and a few signs, or some more, can stand without quotes.
pub(super) fn is_plain(text: &str, more: &str) -> bool {
    text.chars().any(|c| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_.:/+-".contains(c) || more.contains(c))
}
