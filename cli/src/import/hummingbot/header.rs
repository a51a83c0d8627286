//! How a record begins: `YYYY-MM-DD HH:MM:SS,mmm - PID - LOGGER - LEVEL - MESSAGE`.

use chrono::NaiveDateTime;

const CLOCK_SHAPE: &[u8] = b"0000-00-00 00:00:00,000";

/// The parts of the first line of a record.
#[derive(Debug, PartialEq)]
pub(super) struct Header<'a> {
    clock: &'a str,
    pub(super) process: i64,
    pub(super) logger: &'a str,
    pub(super) level: &'a str,
    pub(super) message: &'a str,
}

impl Header<'_> {
    /// What the clock showed, if there is such a time.
    pub(super) fn clock(&self) -> Result<NaiveDateTime, String> {
        NaiveDateTime::parse_from_str(self.clock, "%Y-%m-%d %H:%M:%S,%3f")
            .map_err(|_| format!("{:?}: there is no such date or time of day", self.clock))
    }
}

/// The header of a record, or nothing if the line begins none.
pub(super) fn parse(line: &str) -> Option<Header<'_>> {
    let clock = line.get(..CLOCK_SHAPE.len())?;
    let is_clock = clock.bytes().zip(CLOCK_SHAPE).all(|(found, shape)| match shape {
        b'0' => found.is_ascii_digit(),
        _ => found == *shape,
    });
    if !is_clock {
        return None;
    }
    let mut parts = line[CLOCK_SHAPE.len()..].strip_prefix(" - ")?.splitn(4, " - ");
    let process = parts.next()?.parse().ok()?;
    let (logger, level) = (parts.next()?, parts.next()?);
    let is_level = !level.is_empty() && level.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    let is_logger = !logger.is_empty() && !logger.contains(' ');
    // An empty message may have lost the space after its dash.
    let (level, message) = match parts.next() {
        Some(message) => (level, message),
        None => (level.strip_suffix(" -")?, ""),
    };
    (is_level || message.is_empty() && !level.is_empty())
        .then_some(Header { clock, process, logger, level, message })
        .filter(|_| is_logger)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_begin_with_all_parts() {
        let header = parse("2022-11-14 06:55:34,001 - 45 - a.b - INFO - x - y").unwrap();
        assert_eq!(
            (header.process, header.logger, header.level, header.message),
            (45, "a.b", "INFO", "x - y")
        );
        assert_eq!(header.clock().unwrap().to_string(), "2022-11-14 06:55:34.001");
        for message in
            ["2022-11-14 06:55:34,001 - 45 - a.b - INFO - ", "2022-11-14 06:55:34,001 - 45 - a.b - INFO -"]
        {
            let header = parse(message).unwrap();
            assert_eq!((header.level, header.message), ("INFO", ""), "{message}");
        }
        assert!(parse("2022-13-14 06:55:34,001 - 45 - a - INFO - x").unwrap().clock().is_err());
        for line in [
            "",
            "Traceback (most recent call last):",
            "2022-11-14 06:55:34.001 - 45 - a - INFO - x",
            "2022-11-14 06:55:34,001 - x - a - INFO - x",
            "2022-11-14 06:55:34,001 - 45 - a - Info - x",
            "2022-11-14 06:55:34,001 - 45 - a b - INFO - x",
            "2022-11-14 06:55:34,001 - 45 - a",
            "2022-11-14 06:55:34,é",
            " 2022-11-14 06:55:34,001 - 45 - a - INFO - x",
        ] {
            assert_eq!(parse(line), None, "{line}");
        }
    }
}
