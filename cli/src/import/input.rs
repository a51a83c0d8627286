//! Where lines come from: files and pipes, plain or compressed, read as they come.
//!
//! A line is handed on as soon as the read that completes it returns, so a pipe is as live as its writer.
//! Memory is bounded: a line over [`LINE_BYTES_MAX`] is not kept, only measured and reported.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use memchr::memchr;

/// Longest line accepted, line end excluded, in bytes.
pub(crate) const LINE_BYTES_MAX: usize = 1024 * 1024;
/// Asked of the system at once.
const READ_BYTES: usize = 256 * 1024;

const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// A file or pipe, ready to be read as text.
pub(crate) struct Input {
    /// What to call it in messages.
    pub(crate) name: String,
    /// Its size as stored, if it is a file.
    pub(crate) stored_bytes: Option<u64>,
    /// How much of what is stored has been read.
    pub(crate) read_bytes: Arc<AtomicU64>,
    reader: Box<dyn Read>,
}

impl Input {
    /// Opens a file, or the standard input if the path is `-`. Zstandard and gzip are told by the ending
    /// of the name or by the first bytes.
    pub(crate) fn open(path: &Path) -> io::Result<Input> {
        if path == Path::new("-") {
            return Input::new("stdin".to_owned(), None, None, Box::new(io::stdin()));
        }
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory"));
        }
        let stored_bytes = metadata.is_file().then_some(metadata.len());
        let ending = path.extension().and_then(|ending| ending.to_str());
        Input::new(path.display().to_string(), ending, stored_bytes, Box::new(file))
    }

    fn new(
        name: String,
        ending: Option<&str>,
        stored_bytes: Option<u64>,
        reader: Box<dyn Read>,
    ) -> io::Result<Input> {
        let read_bytes = Arc::new(AtomicU64::new(0));
        let mut stored = Counted { reader, read_bytes: read_bytes.clone() };
        let start = first_bytes(&mut stored)?;
        let is_zstd = ending == Some("zst") || start.starts_with(&ZSTD_MAGIC);
        let is_gzip = ending == Some("gz") || start.starts_with(&GZIP_MAGIC);
        let stored = io::Cursor::new(start).chain(stored);
        let reader: Box<dyn Read> = if is_zstd {
            Box::new(zstd::stream::read::Decoder::new(stored)?)
        } else if is_gzip {
            Box::new(flate2::read::MultiGzDecoder::new(stored))
        } else {
            Box::new(stored)
        };
        Ok(Input { name, stored_bytes, read_bytes, reader })
    }

    /// Hands every line to `on_line` with its number from 1, and calls `on_pause` after the lines of each read.
    pub(crate) fn for_each_line<E: From<io::Error>>(
        &mut self,
        mut on_line: impl FnMut(u64, Line<'_>) -> Result<(), E>,
        mut on_pause: impl FnMut(),
    ) -> Result<(), E> {
        let mut lines = Lines::default();
        loop {
            let count = match self.reader.read(lines.room()) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    // What came before the failure is complete and counts.
                    lines.end(&mut on_line)?;
                    return Err(error.into());
                }
            };
            if count == 0 {
                return lines.end(&mut on_line);
            }
            lines.take(count, &mut on_line)?;
            on_pause();
        }
    }
}

/// A line without its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// Its bytes, which need not be UTF-8.
    Whole(&'a [u8]),
    /// It was longer than [`LINE_BYTES_MAX`]: its length.
    TooLong(u64),
}

/// Reads enough to tell the compression, and no more than a slow pipe has given once that is clear.
fn first_bytes(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut start = [0; ZSTD_MAGIC.len()];
    let mut length = 0;
    while length < start.len() {
        match reader.read(&mut start[length..]) {
            Ok(0) => break,
            Ok(count) => length += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        let could_be = |magic: &[u8]| magic.starts_with(&start[..length.min(magic.len())]);
        if !could_be(&ZSTD_MAGIC) && !could_be(&GZIP_MAGIC) {
            break;
        }
    }
    Ok(start[..length].to_vec())
}

struct Counted {
    reader: Box<dyn Read>,
    read_bytes: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.read_bytes.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// Cuts what is read into lines. Between reads it holds at most the start of one line.
#[derive(Default)]
struct Lines {
    buffer: Vec<u8>,
    /// Bytes of `buffer` that hold the start of a line.
    held: usize,
    /// Bytes of a line that is too long and was let go.
    let_go_bytes: u64,
    number: u64,
}

impl Lines {
    /// Room for the next read.
    fn room(&mut self) -> &mut [u8] {
        self.buffer.resize(self.held + READ_BYTES, 0);
        &mut self.buffer[self.held..]
    }

    /// Takes `count` bytes that were read into the room.
    fn take<E>(
        &mut self,
        count: usize,
        on_line: &mut impl FnMut(u64, Line<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let end = self.held + count;
        let (mut start, mut searched) = (0, self.held);
        while let Some(length) = memchr(b'\n', &self.buffer[searched..end]) {
            let line_end = searched + length;
            self.line(start, line_end, on_line)?;
            start = line_end + 1;
            searched = start;
        }
        self.buffer.copy_within(start..end, 0);
        self.held = end - start;
        if self.held > LINE_BYTES_MAX || self.let_go_bytes > 0 {
            self.let_go_bytes += self.held as u64;
            self.held = 0;
        }
        Ok(())
    }

    /// The input has ended: what is held is the last line.
    fn end<E>(&mut self, on_line: &mut impl FnMut(u64, Line<'_>) -> Result<(), E>) -> Result<(), E> {
        if self.held == 0 && self.let_go_bytes == 0 {
            return Ok(());
        }
        self.line(0, self.held, on_line)
    }

    fn line<E>(
        &mut self,
        start: usize,
        end: usize,
        on_line: &mut impl FnMut(u64, Line<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.number += 1;
        let line = &self.buffer[start..end];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let length = line.len() as u64 + self.let_go_bytes;
        self.let_go_bytes = 0;
        if length > LINE_BYTES_MAX as u64 {
            return on_line(self.number, Line::TooLong(length));
        }
        on_line(self.number, Line::Whole(line))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// Gives its parts one read at a time, as a pipe does.
    struct Parts(Vec<Vec<u8>>);

    impl Read for Parts {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let Some(part) = self.0.first_mut() else { return Ok(0) };
            let count = part.len().min(buffer.len());
            buffer[..count].copy_from_slice(&part[..count]);
            part.drain(..count);
            if part.is_empty() {
                self.0.remove(0);
            }
            Ok(count)
        }
    }

    fn read(parts: &[&[u8]], ending: Option<&str>) -> io::Result<Vec<String>> {
        let parts = Parts(parts.iter().map(|part| part.to_vec()).collect());
        let mut found = Vec::new();
        Input::new("test".to_owned(), ending, None, Box::new(parts))?.for_each_line(
            |number, line| {
                found.push(match line {
                    Line::Whole(line) => format!("{number}:{}", String::from_utf8_lossy(line)),
                    Line::TooLong(length) => format!("{number} has {length}"),
                });
                Ok::<(), io::Error>(())
            },
            || {},
        )?;
        Ok(found)
    }

    #[test]
    fn lines_are_cut_wherever_reads_end() {
        for parts in [
            &[b"a\nbc\r\n\nd".as_slice()][..],
            &[b"a", b"\nb", b"c\r", b"\n", b"\nd"],
            &[b"a\nbc\r\n\n", b"d\n"],
        ] {
            assert_eq!(read(parts, None).unwrap(), ["1:a", "2:bc", "3:", "4:d"]);
        }
        assert!(read(&[], None).unwrap().is_empty());
    }

    #[test]
    fn lines_come_with_the_read_that_completes_them() {
        let parts = Parts(vec![b"a\nb".to_vec(), b"c\n".to_vec()]);
        let events = std::cell::RefCell::new(Vec::new());
        Input::new("test".to_owned(), None, None, Box::new(parts))
            .unwrap()
            .for_each_line(
                |_, line| {
                    events.borrow_mut().push(format!("{line:?}"));
                    Ok::<(), io::Error>(())
                },
                || events.borrow_mut().push("pause".to_owned()),
            )
            .unwrap();
        assert_eq!(events.into_inner(), ["Whole([97])", "pause", "Whole([98, 99])", "pause"]);
    }

    #[test]
    fn the_longest_line_passes_and_a_longer_one_is_measured() {
        let longest = vec![b'x'; LINE_BYTES_MAX];
        let lines = read(&[&longest, b"\n", &longest, b"x\n", &longest, &longest, b"\nafter"], None).unwrap();
        let lengths: Vec<usize> = lines.iter().map(String::len).collect();
        assert_eq!(lengths[0], LINE_BYTES_MAX + 2);
        assert_eq!(lines[1..], ["2 has 1048577", "3 has 2097152", "4:after"]);
    }

    #[test]
    fn compression_is_told_by_name_or_first_bytes() {
        let zstd = zstd::encode_all(b"a\nb\n".as_slice(), 1).unwrap();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(b"a\nb\n").unwrap();
        let gzip = gzip.finish().unwrap();
        let twice = [zstd.clone(), zstd.clone()].concat();
        assert_eq!(read(&[&zstd[..1], &zstd[1..]], None).unwrap(), ["1:a", "2:b"]);
        assert_eq!(read(&[&gzip], Some("log")).unwrap(), ["1:a", "2:b"]);
        assert_eq!(read(&[&twice], Some("zst")).unwrap().len(), 4);
        assert!(read(&[b"a\n"], Some("zst")).is_err());
        assert!(read(&[b"a\n"], Some("gz")).is_err());
        assert!(read(&[&zstd[..zstd.len() - 2]], None).is_err(), "a cut file is an error");
        assert_eq!(read(&[b"\x28\n"], None).unwrap(), ["1:\x28"]);
    }
}
