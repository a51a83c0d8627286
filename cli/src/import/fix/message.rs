//! FIX messages in a line of text.
//!
//! ```text
//! prefix  8=FIX.4.2|9=62|35=A| ... |10=250|
//!                        └ counted by 9 ┘
//!         └──── summed up by 10 ────┘
//! ```
//! The separator is what follows the version: SOH, `|`, or `^A` as some tools print SOH; lengths and sums are those
//! of the message with SOH. A value counted by a length field (`95=4|96=a|bc`) may hold the separator.

use std::ops::Range;

use crate::import::cut;

const BEGIN: &str = "8=FIX";

/// Data fields, each with the field that tells its length.
const COUNTED: [(u32, u32); 14] = [
    (93, 89),
    (95, 96),
    (90, 91),
    (212, 213),
    (348, 349),
    (350, 351),
    (352, 353),
    (354, 355),
    (356, 357),
    (358, 359),
    (360, 361),
    (362, 363),
    (364, 365),
    (445, 446),
];

/// One message, which borrows from its line.
#[derive(Debug)]
pub(super) struct Message<'a> {
    /// As it stands in the line.
    pub(super) raw: &'a str,
    /// Tags and values in the order written.
    pub(super) fields: Vec<(u32, &'a str)>,
    /// What is wrong with its length or sum, if anything.
    pub(super) length_is_valid: Option<bool>,
    pub(super) checksum_is_valid: Option<bool>,
    /// What to tell about either.
    pub(super) doubt: Option<String>,
}

impl<'a> Message<'a> {
    /// The first value of a tag.
    pub(super) fn get(&self, tag: u32) -> Option<&'a str> {
        self.fields.iter().find(|(found, _)| *found == tag).map(|(_, value)| *value)
    }
}

/// Where the first message begins.
pub(super) fn begin(line: &str) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = line[from..].find(BEGIN).map(|at| from + at) {
        // `38=FIX` is not the beginning of a message.
        if at == 0 || !line.as_bytes()[at - 1].is_ascii_digit() {
            return Some(at);
        }
        from = at + BEGIN.len();
    }
    None
}

/// Reads the message that `text` begins with; how many of its bytes it takes.
pub(super) fn parse(text: &str) -> Result<(Message<'_>, usize), String> {
    let version_end = text
        .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '='))
        .ok_or("nothing follows the version of FIX")?;
    let separator = ["\u{1}", "|", "^A"]
        .into_iter()
        .find(|one| text[version_end..].starts_with(one))
        .ok_or_else(|| {
            let found = text[version_end..].chars().next().unwrap_or(' ');
            format!("the fields are separated by {found:?}, expected SOH, | or ^A")
        })?;
    let mut fields: Vec<(u32, &str)> = Vec::with_capacity(32);
    let mut at = 0;
    let mut counted: Option<(u32, usize)> = None;
    let (mut body, mut sum_end) = (None::<Range<usize>>, None);
    while at < text.len() {
        let (tag, value_at) = tag(text, at).ok_or_else(|| {
            format!("column {} of the message: expected TAG=VALUE, found {:?}", at + 1, start_of(&text[at..]))
        })?;
        let data_end = counted
            .take()
            .filter(|(data, _)| *data == tag)
            .and_then(|(_, length)| value_at.checked_add(length))
            .filter(|end| text.get(*end..).is_some_and(|rest| rest.starts_with(separator)));
        let value_end = match data_end {
            Some(end) => end,
            None => text[value_at..].find(separator).map_or(text.len(), |length| value_at + length),
        };
        let value = &text[value_at..value_end];
        fields.push((tag, value));
        if tag == 10 {
            sum_end = Some(at);
            body = body.map(|body| body.start..at);
        }
        at = (value_end + separator.len()).min(text.len());
        if tag == 9 && body.is_none() {
            body = Some(at..at);
        }
        counted = COUNTED
            .iter()
            .find(|(length, _)| *length == tag)
            .and_then(|(_, data)| Some((*data, value.parse().ok()?)));
        if tag == 10 {
            break;
        }
    }
    let raw = text[..at].trim_end();
    let mut message = Message { raw, fields, length_is_valid: None, checksum_is_valid: None, doubt: None };
    message.verify(text, separator, body, sum_end);
    Ok((message, at))
}

/// The tag at a place, and where its value begins.
fn tag(text: &str, at: usize) -> Option<(u32, usize)> {
    let digits = text[at..].bytes().take_while(u8::is_ascii_digit).count();
    let value_at = at + digits + 1;
    let tag = text[at..at + digits].parse().ok().filter(|tag| *tag > 0)?;
    (text.as_bytes().get(at + digits) == Some(&b'=')).then_some((tag, value_at))
}

fn start_of(text: &str) -> &str {
    cut(text, 40).0
}

impl Message<'_> {
    fn verify(&mut self, text: &str, separator: &str, body: Option<Range<usize>>, sum_end: Option<usize>) {
        let mut doubts = Vec::new();
        if let (Some(body), Some(told)) = (body.filter(|_| sum_end.is_some()), self.get(9)) {
            let found = as_sent(&text[body], separator).count();
            let is_valid = told.parse() == Ok(found);
            self.length_is_valid = Some(is_valid);
            if !is_valid {
                doubts.push(format!("its length (9) is {told}, its body has {found} bytes"));
            }
        }
        match (sum_end, self.get(10)) {
            (Some(end), Some(told)) => {
                let found = as_sent(&text[..end], separator).fold(0u8, u8::wrapping_add);
                let is_valid = told.trim_end().parse() == Ok(found);
                self.checksum_is_valid = Some(is_valid);
                if !is_valid {
                    doubts.push(format!("its checksum (10) is {told}, its bytes sum up to {found:03}"));
                }
            }
            _ => doubts.push("it has no checksum (10): it may have been cut".to_owned()),
        }
        self.doubt = (!doubts.is_empty()).then(|| doubts.join("; "));
    }
}

/// The bytes as they were sent, with SOH between the fields.
fn as_sent<'t>(text: &'t str, separator: &'t str) -> impl Iterator<Item = u8> + 't {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = &text.as_bytes()[at..];
        let first = *rest.first()?;
        let is_separator = rest.starts_with(separator.as_bytes());
        at += if is_separator { separator.len() } else { 1 };
        Some(if is_separator { 1 } else { first })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGON: &str =
        "8=FIX.4.2|9=62|35=A|34=89|49=BON|52=20180223-19:14:25.171|56=KOD|98=0|108=30|10=250|";

    #[test]
    fn every_separator_gives_the_same_fields() {
        for separator in ["|", "\u{1}", "^A"] {
            let text = LOGON.replace('|', separator);
            let (message, end) = parse(&text).unwrap();
            assert_eq!((message.fields.len(), end, message.raw), (10, text.len(), text.as_str()));
            assert_eq!((message.get(35), message.get(108), message.get(1)), (Some("A"), Some("30"), None));
            assert_eq!((message.length_is_valid, message.checksum_is_valid), (Some(true), Some(true)));
            assert_eq!(message.doubt, None);
        }
        assert!(parse("8=FIX.4.2;9=5;").unwrap_err().contains("separated by ';'"));
        assert!(parse("8=FIX.4.2").is_err());
    }

    #[test]
    fn every_changed_byte_is_told() {
        let (mut refused, mut doubted) = (0, 0);
        for at in "8=FIX.4.2|".len()..LOGON.len() - 1 {
            let mut bytes = LOGON.as_bytes().to_vec();
            bytes[at] ^= 1;
            let text = String::from_utf8(bytes).unwrap();
            match parse(&text) {
                Ok((message, _)) => {
                    assert!(message.doubt.is_some(), "{text}");
                    doubted += 1;
                }
                Err(_) => refused += 1,
            }
        }
        assert!(refused > 0 && doubted > 50, "{refused} refused, {doubted} in doubt");
        let (cut, _) = parse(&LOGON[..40]).unwrap();
        assert!(cut.doubt.unwrap().contains("no checksum"));
    }

    #[test]
    fn counted_values_may_hold_the_separator() {
        let (message, _) = parse("8=FIX.4.4|9=1|95=4|96=a|bc|58=x|10=000|").unwrap();
        assert_eq!((message.get(96), message.get(58)), (Some("a|bc"), Some("x")));
        // A length that does not lead to a separator is wrong, and is not followed.
        let (message, _) = parse("8=FIX.4.4|9=1|95=5|96=a|58=x|10=000|").unwrap();
        assert_eq!((message.get(96), message.get(58)), (Some("a"), Some("x")));
        assert!(parse("8=FIX.4.4|9=1|95=7|96=a|bc|58=x|10=000|").unwrap_err().contains("\"bc|58=x"));
    }

    #[test]
    fn messages_are_found_behind_a_prefix_and_behind_each_other() {
        let line = format!("2018 38=FIX {LOGON}{LOGON}");
        let at = begin(&line).unwrap();
        assert_eq!(at, 12);
        let (first, end) = parse(&line[at..]).unwrap();
        assert_eq!(first.raw, LOGON);
        assert_eq!(begin(&line[at + end..]), Some(0));
        assert_eq!(begin("heartbeat"), None);
    }
}
