//! A strict JSON reader for one line of text.
//!
//! It differs from a general one in what an importer of records needs: numbers stay the text they were
//! written as, so no digit is lost; strings are borrowed where they hold no escapes; a key given twice
//! in one object is an error, where most readers let the last one win; an error names its column.
//! Nesting is bounded, so the recursion is too.

use std::borrow::Cow;

/// Deepest nesting accepted: objects and arrays count alike.
pub(crate) const NESTING_MAX: usize = 64;

/// One JSON value, borrowing from the line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json<'a> {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number as written.
    Number(&'a str),
    /// A string, unescaped.
    Text(Cow<'a, str>),
    /// An array as written, white space included; its content is checked like everything else.
    Array(&'a str),
    /// An object: its members in the order written, keys distinct.
    Object(Members<'a>),
}

/// Members of an object.
pub(crate) type Members<'a> = Vec<(Cow<'a, str>, Json<'a>)>;

/// Where a line stops being JSON, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JsonError {
    /// Byte column, counted from 1.
    pub(crate) column: usize,
    /// What is wrong there.
    pub(crate) reason: String,
}

/// Reads `line` as one JSON object with nothing but white space around it.
pub(crate) fn parse_object(line: &str) -> Result<Members<'_>, JsonError> {
    let mut parser = Parser { text: line, at: 0, depth: 0 };
    parser.space();
    if parser.peek() != Some(b'{') {
        return Err(parser.error("expected a JSON object"));
    }
    let members = parser.object()?;
    parser.space();
    match parser.peek() {
        None => Ok(members),
        Some(_) => Err(parser.error("something follows the end of the object")),
    }
}

/// The elements of an array as written. None, of what is no array.
pub(crate) fn elements(array: &str) -> Vec<Json<'_>> {
    let mut parser = Parser { text: array, at: 0, depth: 0 };
    let mut elements = Vec::new();
    parser.space();
    if parser.peek() != Some(b'[') {
        return elements;
    }
    loop {
        parser.at += 1;
        parser.space();
        match parser.value() {
            Ok(value) => elements.push(value),
            Err(_) => return elements,
        }
        parser.space();
        if parser.peek() != Some(b',') {
            return elements;
        }
    }
}

/// An array as written, without the white space between its parts.
pub(crate) fn compact(array: &str) -> Cow<'_, str> {
    let mut in_text = false;
    let mut escaped = false;
    let mut is_kept = |c: char| {
        if in_text {
            in_text = escaped || c != '"';
            escaped = !escaped && c == '\\';
            return true;
        }
        in_text = c == '"';
        !matches!(c, ' ' | '\t' | '\r' | '\n')
    };
    match array.find(|c| !is_kept(c)) {
        None => Cow::Borrowed(array),
        // What `find` has walked over left the state outside a string, at a white space.
        Some(end) => {
            Cow::Owned(array[..end].chars().chain(array[end..].chars().filter(|c| is_kept(*c))).collect())
        }
    }
}

/// Bytes that end a run of plain text in a string: the quote, the escape, and control characters.
const ENDS_PLAIN_TEXT: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        table[byte] = true;
        byte += 1;
    }
    table[b'"' as usize] = true;
    table[b'\\' as usize] = true;
    table
};

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    #[inline]
    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    #[cold]
    fn error(&self, reason: impl Into<String>) -> JsonError {
        JsonError { column: self.at + 1, reason: reason.into() }
    }

    /// "expected WHAT", or that the line ended before it.
    #[cold]
    fn expected(&self, what: &str) -> JsonError {
        match self.text[self.at..].chars().next() {
            None => self.error(format!("the line ends where {what} was expected")),
            Some(found) => self.error(format!("expected {what}, found {found:?}")),
        }
    }

    fn enter(&mut self) -> Result<(), JsonError> {
        self.depth += 1;
        if self.depth > NESTING_MAX {
            return Err(self.error(format!("nested more than {NESTING_MAX} deep")));
        }
        self.at += 1;
        self.space();
        Ok(())
    }

    fn value(&mut self) -> Result<Json<'a>, JsonError> {
        match self.peek() {
            Some(b'"') => self.string().map(Json::Text),
            Some(b'-' | b'0'..=b'9') => self.number().map(Json::Number),
            Some(b'{') => self.object().map(Json::Object),
            Some(b'[') => self.array().map(Json::Array),
            Some(b't') => self.word("true", Json::Bool(true)),
            Some(b'f') => self.word("false", Json::Bool(false)),
            Some(b'n') => self.word("null", Json::Null),
            _ => Err(self.expected("a value")),
        }
    }

    fn word(&mut self, word: &str, value: Json<'a>) -> Result<Json<'a>, JsonError> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.expected("a value"));
        }
        self.at += word.len();
        Ok(value)
    }

    fn object(&mut self) -> Result<Members<'a>, JsonError> {
        self.enter()?;
        let mut members = Vec::with_capacity(10);
        if self.peek() != Some(b'}') {
            loop {
                if self.peek() != Some(b'"') {
                    return Err(self.expected("a key in quotes"));
                }
                let key = self.string()?;
                self.space();
                if self.peek() != Some(b':') {
                    return Err(self.expected("':'"));
                }
                self.at += 1;
                self.space();
                members.push((key, self.value()?));
                self.space();
                match self.peek() {
                    Some(b',') => self.at += 1,
                    Some(b'}') => break,
                    _ => return Err(self.expected("',' or '}'")),
                }
                self.space();
            }
        }
        self.at += 1;
        self.depth -= 1;
        match key_given_twice(&members) {
            Some(key) => Err(self.error(format!("the object before here has the key {key:?} twice"))),
            None => Ok(members),
        }
    }

    fn array(&mut self) -> Result<&'a str, JsonError> {
        let start = self.at;
        self.enter()?;
        if self.peek() != Some(b']') {
            loop {
                self.value()?;
                self.space();
                match self.peek() {
                    Some(b',') => self.at += 1,
                    Some(b']') => break,
                    _ => return Err(self.expected("',' or ']'")),
                }
                self.space();
            }
        }
        self.at += 1;
        self.depth -= 1;
        Ok(&self.text[start..self.at])
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err(self.expected("a digit")) } else { Ok(()) }
    }

    fn number(&mut self) -> Result<&'a str, JsonError> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
            if matches!(self.peek(), Some(b'0'..=b'9')) {
                return Err(self.error("a number starts with a superfluous 0"));
            }
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(&self.text[start..self.at])
    }

    #[inline]
    fn plain_text(&mut self) -> &'a str {
        let bytes = self.text.as_bytes();
        let start = self.at;
        while self.at < bytes.len() && !ENDS_PLAIN_TEXT[bytes[self.at] as usize] {
            self.at += 1;
        }
        &self.text[start..self.at]
    }

    #[inline]
    fn string(&mut self) -> Result<Cow<'a, str>, JsonError> {
        self.at += 1;
        let plain = self.plain_text();
        if self.peek() == Some(b'"') {
            self.at += 1;
            return Ok(Cow::Borrowed(plain));
        }
        self.string_with_escapes(plain.to_owned()).map(Cow::Owned)
    }

    fn string_with_escapes(&mut self, mut text: String) -> Result<String, JsonError> {
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => {
                    self.at += 1;
                    text.push(self.escape()?);
                }
                Some(control) => {
                    return Err(self.error(format!("control character {control:#04x} in a string")));
                }
                None => return Err(self.error("the line ends inside a string")),
            }
            text.push_str(self.plain_text());
        }
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        let c = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.escape_unicode(),
            _ => return Err(self.expected("an escape")),
        };
        self.at += 1;
        Ok(c)
    }

    /// `\uXXXX`, or two of them that make a surrogate pair. Stands at the `u`.
    fn escape_unicode(&mut self) -> Result<char, JsonError> {
        let first = self.four_hex_digits()?;
        let code = match first {
            0xd800..=0xdbff if self.text[self.at..].starts_with("\\u") => {
                self.at += 1;
                match self.four_hex_digits()? {
                    second @ 0xdc00..=0xdfff => 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00),
                    _ => first,
                }
            }
            code => code,
        };
        char::from_u32(code).ok_or_else(|| self.error("half of a surrogate pair in a string"))
    }

    fn four_hex_digits(&mut self) -> Result<u32, JsonError> {
        self.at += 1;
        let digits = self.text.as_bytes().get(self.at..self.at + 4);
        let code = digits.and_then(|digits| {
            digits.iter().try_fold(0, |code, digit| Some(code << 4 | (*digit as char).to_digit(16)?))
        });
        self.at += if code.is_some() { 4 } else { 0 };
        code.ok_or_else(|| self.error("expected four hexadecimal digits"))
    }
}

/// Objects up to this many members are searched pair by pair, which is cheaper than sorting them.
const PAIRWISE_MAX: usize = 24;

fn key_given_twice<'m>(members: &'m Members<'_>) -> Option<&'m str> {
    if members.len() <= PAIRWISE_MAX {
        return members.iter().enumerate().find_map(|(index, (key, _))| {
            members[..index].iter().any(|(earlier, _)| earlier == key).then_some(key.as_ref())
        });
    }
    let mut keys: Vec<&str> = members.iter().map(|(key, _)| key.as_ref()).collect();
    keys.sort_unstable();
    keys.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}

#[cfg(test)]
mod tests {
    use super::*;
    use blotter_workload::Prng;

    fn check(line: &str, expected: Result<Members<'_>, (usize, &str)>) {
        let found = parse_object(line);
        match (found, expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{line}"),
            (Err(found), Err((column, part))) => {
                assert_eq!(found.column, column, "{line}: {}", found.reason);
                assert!(found.reason.contains(part), "{line}: {}", found.reason);
            }
            (found, expected) => panic!("{line}: {found:?}, expected {expected:?}"),
        }
    }

    fn text(text: &str) -> Json<'_> {
        Json::Text(Cow::Borrowed(text))
    }

    #[test]
    fn values_are_read_as_written() {
        check("{}", Ok(vec![]));
        check(" { } \t", Ok(vec![]));
        check(
            r#"{"a":-0.10e+5,"b":[1, {"x":"]"}],"c":null,"d":true,"e":{"f":"g"}}"#,
            Ok(vec![
                ("a".into(), Json::Number("-0.10e+5")),
                ("b".into(), Json::Array(r#"[1, {"x":"]"}]"#)),
                ("c".into(), Json::Null),
                ("d".into(), Json::Bool(true)),
                ("e".into(), Json::Object(vec![("f".into(), text("g"))])),
            ]),
        );
        check(
            r#"{"\u0061\n":"\ud83d\ude00 \"\\\/\b\f\r\t é"}"#,
            Ok(vec![("a\n".into(), text("😀 \"\\/\u{8}\u{c}\r\t é"))]),
        );
    }

    #[test]
    fn what_is_not_json_is_refused_with_its_column() {
        check("", Err((1, "object")));
        check("[1]", Err((1, "object")));
        check("{} x", Err((4, "follows")));
        check(r#"{"a":1"#, Err((7, "ends")));
        check(r#"{"a" 1}"#, Err((6, "':'")));
        check(r#"{"a":1,}"#, Err((8, "key")));
        check(r#"{"a":01}"#, Err((7, "superfluous")));
        check(r#"{"a":1.}"#, Err((8, "digit")));
        check(r#"{"a":+1}"#, Err((6, "value")));
        check(r#"{"a":NaN}"#, Err((6, "value")));
        check(r#"{"a":"x"#, Err((8, "inside a string")));
        check("{\"a\":\"\0\"}", Err((7, "control")));
        check(r#"{"a":"\ud800"}"#, Err((13, "surrogate")));
        check(r#"{"a":"\u12g4"}"#, Err((9, "hexadecimal")));
        check(r#"{"a":1,"\u0061":2}"#, Err((19, "twice")));
        check(r#"{"a":[{"b":1,"b":1}]}"#, Err((20, "twice")));
        let wide: String = (0..100).map(|i| format!("\"k{}\":1,", i % 99)).collect();
        check(&format!("{{{}\"z\":0}}", wide), Err((wide.len() + 8, "twice")));
        let deep = format!("{}1{}", "{\"a\":".repeat(65), "}".repeat(65));
        check(&deep, Err((321, "nested")));
        assert!(parse_object(&format!("{}1{}", "{\"a\":".repeat(64), "}".repeat(64))).is_ok());
    }

    #[test]
    fn compact_arrays_keep_their_strings() {
        for (array, expected) in [
            ("[]", "[]"),
            ("[1, 2,\t3 ]", "[1,2,3]"),
            (r#"[ "a b \" c", {"x y" : 1} ]"#, r#"["a b \" c",{"x y":1}]"#),
            (r#"["\\" , " "]"#, r#"["\\"," "]"#),
        ] {
            assert_eq!(compact(array), expected);
        }
    }

    /// Random lines, most of them damaged: this reader and a general one must agree on what is JSON.
    #[test]
    fn agrees_with_a_general_reader_on_random_and_damaged_lines() {
        let mut random = Prng::new(1);
        let (mut accepted, mut refused) = (0, 0);
        for _ in 0..60_000 {
            let mut line = String::from("{");
            for index in 0..random.below(4) {
                if index > 0 {
                    line.push(',');
                }
                line += &format!("\"k{index}\":");
                value(&mut random, 3, &mut line);
            }
            line.push('}');
            let mut bytes = line.into_bytes();
            for _ in 0..random.below(3) {
                let at = random.below(bytes.len() as u64) as usize;
                match random.below(3) {
                    0 => drop(bytes.remove(at)),
                    1 => bytes.insert(at, b"{}[]\",:\\u0e-. \n1atf\0"[random.below(20) as usize]),
                    _ => bytes[at] = b"{}[]\",:\\u0e-. \n1atf\0"[random.below(20) as usize],
                }
                if bytes.is_empty() {
                    bytes.push(b'{');
                }
            }
            let Ok(line) = String::from_utf8(bytes) else { continue };
            let general = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&line);
            match (parse_object(&line), general) {
                (Ok(_), Ok(_)) => accepted += 1,
                (Err(_), Err(_)) => refused += 1,
                // Only here may they differ: the general reader keeps the last of two equal keys.
                (Err(error), Ok(_)) if error.reason.contains("twice") => {}
                (strict, general) => panic!("{line:?}: {strict:?}, the general reader: {general:?}"),
            }
        }
        assert!(accepted > 5_000 && refused > 5_000, "{accepted} accepted, {refused} refused");
    }

    fn value(random: &mut Prng, depth: u64, line: &mut String) {
        match random.below(if depth == 0 { 6 } else { 8 }) {
            0 => line.push_str("null"),
            1 => line.push_str("true"),
            2 => *line += &format!("{}", random.next_u64() as i64),
            3 => *line += &format!("-{}.{:03}E{}", random.below(100), random.below(1000), random.below(9)),
            4 => line.push_str("\"a\\n\\u00e9 \\ud83d\\ude00\""),
            5 => line.push_str("\"é\""),
            6 => {
                line.push_str("[ ");
                value(random, depth - 1, line);
                line.push(',');
                value(random, depth - 1, line);
                line.push(']');
            }
            _ => {
                line.push_str("{\"n\": ");
                value(random, depth - 1, line);
                line.push('}');
            }
        }
    }
}
