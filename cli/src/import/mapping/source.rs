//! Lines to the columns of records. A CSV record may go on over several lines, inside quotes.

use std::borrow::Cow;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder, Terminator};

use super::model::{Source, SourceKind};
use crate::import::json::{self, Json};
use crate::import::mapping::value::text_of;

/// Longest CSV record, in bytes: a quote that is never closed must not swallow the file.
const RECORD_BYTES_MAX: usize = 1024 * 1024;

/// The columns of a record, in the order of the line.
pub(super) type Columns<'a> = Vec<(Cow<'a, str>, Json<'a>)>;

/// Cuts lines into columns.
pub(super) struct Splitter {
    csv: Option<Csv>,
}

/// What a line is to the columns.
#[derive(Debug, PartialEq)]
pub(super) enum Split {
    Blank,
    /// It names the columns.
    Header,
    /// The record that begins at this line goes on.
    Open(u64),
    /// The record that begins at this line ends with it.
    Record(u64),
    /// The record that begins at this line cannot be read.
    Refused(u64, String),
}

impl Splitter {
    pub(super) fn new(source: &Source) -> Splitter {
        let csv = match &source.kind {
            SourceKind::Csv { delimiter, columns } => Some(Csv::new(*delimiter, columns.clone())),
            _ => None,
        };
        Splitter { csv }
    }

    /// Takes a line.
    pub(super) fn line(&mut self, number: u64, line: &str) -> Split {
        match &mut self.csv {
            Some(csv) => csv.line(number, line),
            None if line.trim_ascii().is_empty() => Split::Blank,
            None => Split::Record(number),
        }
    }

    /// The columns of the record that `line` has completed.
    pub(super) fn columns<'a>(&'a self, source: &'a Source, line: &'a str) -> Result<Columns<'a>, String> {
        let columns: Columns<'a> = match (&source.kind, &self.csv) {
            (SourceKind::Pattern(pattern), _) => {
                let found = pattern.captures(line).ok_or("the line is not as the pattern says")?;
                let cell = |name| found.name(name).map(|text| (Cow::Borrowed(name), text.as_str()));
                let cells = pattern.capture_names().flatten().filter_map(cell);
                cells.map(|(name, text)| (name, Json::Text(Cow::Borrowed(text)))).collect()
            }
            (_, Some(csv)) => csv.columns()?,
            (..) => return object(line).map(|members| flat(members, Vec::new())),
        };
        let Some(json) = &source.json else { return Ok(columns) };
        let mut all = Vec::with_capacity(columns.len() + 8);
        let mut members = None;
        for (name, cell) in columns {
            match cell {
                Json::Text(Cow::Borrowed(text)) if name == json.name.as_str() => {
                    let reason = |reason| format!("column '{name}': {reason}");
                    members = Some(object(text).map_err(reason)?);
                }
                cell => all.push((name, cell)),
            }
        }
        match members {
            Some(members) => Ok(flat(members, all)),
            None => Err(format!("the record has no column '{}'", json.name)),
        }
    }

    /// Names of the columns that the last header gave.
    pub(super) fn header(&self) -> &[String] {
        self.csv.as_ref().map_or(&[], |csv| &csv.names)
    }

    /// Reads no further in a record that has not ended: the line it began on, if there is one.
    pub(super) fn give_up(&mut self) -> Option<u64> {
        let csv = self.csv.as_mut()?;
        let open = csv.open;
        csv.reset();
        open
    }

    /// The file has ended. The record that has not, if there is one, and why it cannot be read.
    pub(super) fn end(&mut self) -> Option<(u64, String)> {
        self.csv.as_mut()?.end()
    }
}

fn object(text: &str) -> Result<json::Members<'_>, String> {
    json::parse_object(text).map_err(|error| format!("at {}: {}", error.column, error.reason))
}

/// Members of objects within objects get dotted names, and a name that is taken gets a number: both stay.
fn flat<'a>(members: json::Members<'a>, mut columns: Columns<'a>) -> Columns<'a> {
    fn add<'a>(columns: &mut Columns<'a>, name: Cow<'a, str>, value: Json<'a>) {
        match value {
            Json::Object(members) if !members.is_empty() => {
                for (key, value) in members {
                    add(columns, Cow::Owned(format!("{name}.{key}")), value);
                }
            }
            value => {
                let is_taken =
                    |columns: &Columns<'a>, name: &str| columns.iter().any(|(given, _)| given == name);
                let mut free = name.clone();
                let mut number = 2;
                while is_taken(columns, &free) {
                    free = Cow::Owned(format!("{name}.{number}"));
                    number += 1;
                }
                columns.push((free, value));
            }
        }
    }
    for (name, value) in members {
        add(&mut columns, name, value);
    }
    columns
}

/// The cell of a column, or the part of one that `bids[0][1]` names.
pub(super) fn cell<'c, 'a>(columns: &'c Columns<'a>, name: &str) -> Option<Cow<'c, Json<'a>>> {
    if let Some((_, cell)) = columns.iter().find(|(given, _)| given == name) {
        return Some(Cow::Borrowed(cell));
    }
    let (column, path) = name.split_once('[')?;
    let (_, cell) = columns.iter().find(|(given, _)| given == column)?;
    let mut cell = cell.clone();
    for index in path.strip_suffix(']')?.split("][") {
        let array = match &cell {
            Json::Array(array) => *array,
            _ => return None,
        };
        cell = json::elements(array).into_iter().nth(index.parse().ok()?)?;
    }
    Some(Cow::Owned(cell))
}

/// Whether a cell holds no value.
pub(super) fn is_empty(cell: &Json<'_>, empty: &[String]) -> bool {
    match cell {
        Json::Null => true,
        Json::Text(_) => empty.iter().any(|one| *one == text_of(cell)),
        _ => false,
    }
}

/// Reads CSV line by line.
struct Csv {
    delimiter: u8,
    reader: Reader,
    /// Names given in the mapping; else the first line has them.
    given: bool,
    names: Vec<String>,
    /// The fields of a record, one after the other, and their ends.
    text: Vec<u8>,
    text_len: usize,
    ends: Vec<usize>,
    ends_len: usize,
    /// The line a record began on that has not ended.
    open: Option<u64>,
}

impl Csv {
    fn new(delimiter: u8, names: Option<Vec<String>>) -> Csv {
        Csv {
            delimiter,
            reader: reader(delimiter),
            given: names.is_some(),
            names: names.unwrap_or_default(),
            text: vec![0; 1024],
            text_len: 0,
            ends: vec![0; 64],
            ends_len: 0,
            open: None,
        }
    }

    fn line(&mut self, number: u64, line: &str) -> Split {
        if self.open.is_none() && line.trim_ascii().is_empty() {
            return Split::Blank;
        }
        let first = self.open.unwrap_or(number);
        if !self.feed(line.as_bytes()) && !self.feed(b"\n") {
            self.open = Some(first);
            if self.text_len > RECORD_BYTES_MAX {
                self.reset();
                return Split::Refused(
                    first,
                    format!(
                        "a quote is opened in this record and not closed in {RECORD_BYTES_MAX} bytes, to line {number}"
                    ),
                );
            }
            return Split::Open(first);
        }
        self.open = None;
        if self.names.is_empty() {
            return match self.fields() {
                Ok(names) => {
                    self.names = names.into_iter().map(|name| name.trim().to_owned()).collect();
                    self.reset();
                    Split::Header
                }
                Err(reason) => Split::Refused(first, reason),
            };
        }
        Split::Record(first)
    }

    /// Reads on. Whether a record has ended.
    fn feed(&mut self, mut input: &[u8]) -> bool {
        if self.open.is_none() && input != b"\n" {
            (self.text_len, self.ends_len) = (0, 0);
        }
        // An empty input would tell the reader that all input has ended.
        while !input.is_empty() {
            let text = &mut self.text[self.text_len..];
            let (result, read, written, ended) =
                self.reader.read_record(input, text, &mut self.ends[self.ends_len..]);
            input = &input[read..];
            self.text_len += written;
            self.ends_len += ended;
            match result {
                ReadRecordResult::InputEmpty => return false,
                ReadRecordResult::OutputFull => self.text.resize(self.text.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::Record => return true,
                ReadRecordResult::End => return false,
            }
        }
        false
    }

    fn fields(&self) -> Result<Vec<&str>, String> {
        let mut start = 0;
        let text = |end: &usize| {
            let bytes = &self.text[start..*end];
            start = *end;
            std::str::from_utf8(bytes).map_err(|_| "a quote cuts a character in two".to_owned())
        };
        self.ends[..self.ends_len].iter().map(text).collect()
    }

    fn columns(&self) -> Result<Columns<'_>, String> {
        let fields = self.fields()?;
        if fields.len() != self.names.len() {
            return Err(format!(
                "{} columns, expected {}: {}",
                fields.len(),
                self.names.len(),
                self.names.join(",")
            ));
        }
        let cells = fields.into_iter().map(|text| Json::Text(Cow::Borrowed(text)));
        Ok(self.names.iter().map(|name| Cow::Borrowed(name.as_str())).zip(cells).collect())
    }

    fn end(&mut self) -> Option<(u64, String)> {
        let open = self.open;
        self.reset();
        if !self.given {
            self.names.clear();
        }
        open.map(|line| (line, "a quote is opened in this record and never closed".to_owned()))
    }

    fn reset(&mut self) {
        self.reader = reader(self.delimiter);
        (self.text_len, self.ends_len, self.open) = (0, 0, None);
    }
}

fn reader(delimiter: u8) -> Reader {
    // A carriage return inside a line is data; the one before its end is gone already.
    ReaderBuilder::new().delimiter(delimiter).terminator(Terminator::Any(b'\n')).build()
}
