//! Frames: the checksummed unit of the WAL. All numbers little-endian, frames at multiples of 8.
//!
//! ```text
//! 0       4       8        12     13    16         20      24          32        40
//! ┌───────┬───────┬────────┬──────┬─────┬──────────┬───────┬───────────┬─────────┬──────────────┬─────┐
//! │ magic │ crc32 │ length │ kind │ 0   │ producer │ count │ first seq │ durable │ payload      │ pad │
//! └───────┴───────┴────────┴──────┴─────┴──────────┴───────┴───────────┴─────────┴──────────────┴─────┘
//! kind 1 Events    `count` records of one producer, seqs contiguous from `first seq`
//!      2 Producer  what the producer says once for its events; before its first Events in each file
//!      3 Mark      nothing; carries `durable` when no events follow
//!      4 End       nothing; the file is finished
//! ```
//! The checksum covers the file's salt, the frame's offset, and everything from `length` to the padding:
//! a frame of another file, another place, or a user's bytes is never taken for one.

use crate::event::record::{ALIGNMENT, Defaults, Record, RecordError};
use crate::event::{ProducerId, Seq};
use crate::limits::FRAME_PAYLOAD_BYTES_MAX;

/// Bytes before the payload.
pub const FRAME_HEADER_BYTES: usize = 40;
const MAGIC: u32 = u32::from_le_bytes(*b"BLFr");

/// What a frame holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum FrameKind {
    /// Event records of one producer.
    Events = 1,
    /// A producer's defaults.
    Producer = 2,
    /// Nothing but the durable offset.
    Mark = 3,
    /// The end of a finished file.
    End = 4,
}

/// A checked frame; offsets are relative to the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Where it starts.
    pub offset: u64,
    /// Payload bytes, padding excluded.
    pub payload_bytes: u32,
    /// What it holds.
    pub kind: FrameKind,
    /// Whose events.
    pub producer: ProducerId,
    /// Number of records.
    pub count: u32,
    /// Seq of the first record; of the next event where there is none.
    pub first_seq: Seq,
    /// Offset up to which the file was durable when the frame was written.
    pub durable: u64,
}

impl Frame {
    /// Offset of the payload.
    pub fn payload_at(&self) -> usize {
        self.offset as usize + FRAME_HEADER_BYTES
    }

    /// Offset of the next frame.
    pub fn end(&self) -> u64 {
        self.offset + (FRAME_HEADER_BYTES + (self.payload_bytes as usize).next_multiple_of(ALIGNMENT)) as u64
    }

    /// Its payload in the bytes of the file.
    pub fn payload<'a>(&self, file: &'a [u8]) -> &'a [u8] {
        &file[self.payload_at()..self.payload_at() + self.payload_bytes as usize]
    }

    /// Its records, each with its seq.
    pub fn records<'a>(&self, file: &'a [u8]) -> Records<'a> {
        Records {
            payload: self.payload(file),
            seq: self.first_seq.0,
            left: self.count,
            offset: self.payload_at() as u64,
        }
    }

    /// The defaults in a Producer frame.
    ///
    /// # Errors
    /// If the payload is not defaults.
    pub fn defaults(&self, file: &[u8]) -> Result<Defaults, RecordError> {
        Defaults::parse(self.payload(file))
    }
}

/// Iterator over the records of a frame.
pub struct Records<'a> {
    payload: &'a [u8],
    seq: u64,
    left: u32,
    /// File offset of the next record.
    pub offset: u64,
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<(Seq, Record<'a>), RecordError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            let rest = std::mem::take(&mut self.payload);
            return (!rest.is_empty()).then_some(Err(RecordError("the frame holds more than its records")));
        }
        self.left -= 1;
        match Record::parse(self.payload) {
            Ok(record) => {
                let step = record.padded_len();
                let Some(rest) = self.payload.get(step..) else {
                    self.left = 0;
                    self.payload = &[];
                    return Some(Err(RecordError("the frame ends inside a record's padding")));
                };
                self.payload = rest;
                self.offset += step as u64;
                let seq = Seq(self.seq);
                self.seq += 1;
                Some(Ok((seq, record)))
            }
            Err(error) => {
                self.left = 0;
                self.payload = &[];
                Some(Err(error))
            }
        }
    }
}

fn checksum(salt: u64, offset: u64, covered: &[u8]) -> u32 {
    let mut place = [0; 16];
    place[..8].copy_from_slice(&salt.to_le_bytes());
    place[8..].copy_from_slice(&offset.to_le_bytes());
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&place);
    hasher.update(covered);
    hasher.finalize()
}

/// Builds consecutive frames in a buffer, to be written at `offset` of the file.
#[derive(Debug)]
pub struct FrameWriter {
    salt: u64,
    /// The frames, ready to be written.
    pub bytes: Vec<u8>,
    /// File offset of the first byte of `bytes`.
    pub offset: u64,
}

impl FrameWriter {
    /// An empty buffer for the file of that salt, to be written at `offset`.
    pub fn new(salt: u64, offset: u64) -> FrameWriter {
        FrameWriter { salt, bytes: Vec::with_capacity(FRAME_PAYLOAD_BYTES_MAX), offset }
    }

    /// Adds a frame. `payload` is at most [`FRAME_PAYLOAD_BYTES_MAX`] bytes.
    pub fn push(
        &mut self,
        kind: FrameKind,
        producer: ProducerId,
        count: u32,
        first_seq: Seq,
        durable: u64,
        payload: &[u8],
    ) {
        assert!(payload.len() <= FRAME_PAYLOAD_BYTES_MAX, "the caller splits payloads at the limit");
        let start = self.bytes.len();
        let mut header = [0; FRAME_HEADER_BYTES];
        header[..4].copy_from_slice(&MAGIC.to_le_bytes());
        header[8..12].copy_from_slice(&(payload.len() as u32).to_le_bytes());
        header[12] = kind as u8;
        header[16..20].copy_from_slice(&producer.0.to_le_bytes());
        header[20..24].copy_from_slice(&count.to_le_bytes());
        header[24..32].copy_from_slice(&first_seq.0.to_le_bytes());
        header[32..40].copy_from_slice(&durable.to_le_bytes());
        self.bytes.extend_from_slice(&header);
        self.bytes.extend_from_slice(payload);
        self.bytes.resize(self.bytes.len().next_multiple_of(ALIGNMENT), 0);
        let crc = checksum(self.salt, self.offset + start as u64, &self.bytes[start + 8..]);
        self.bytes[start + 4..start + 8].copy_from_slice(&crc.to_le_bytes());
    }

    /// File offset after the buffered frames.
    pub fn end(&self) -> u64 {
        self.offset + self.bytes.len() as u64
    }

    /// Forgets the buffered frames, which are in the file now.
    pub fn written(&mut self) {
        self.offset = self.end();
        self.bytes.clear();
    }
}

/// Reads frames from the bytes of a file. Stops at the first place that is not a frame.
pub struct Frames<'a> {
    file: &'a [u8],
    salt: u64,
    /// Offset of the next frame; where there is none, of what is not a frame.
    pub offset: u64,
}

impl<'a> Frames<'a> {
    /// Frames of `file` (its bytes from offset 0) from `offset` on.
    pub fn new(file: &'a [u8], salt: u64, offset: u64) -> Frames<'a> {
        Frames { file, salt, offset }
    }

    /// The frame at exactly that offset, if there is a whole and intact one.
    pub fn at(&self, offset: u64) -> Option<Frame> {
        frame_at(self.file, 0, self.salt, offset)
    }

    /// The first intact frame at or after `offset`, damage skipped.
    pub fn find_from(&self, offset: u64) -> Option<Frame> {
        let mut at = offset.next_multiple_of(ALIGNMENT as u64);
        while at + FRAME_HEADER_BYTES as u64 <= self.file.len() as u64 {
            if let Some(frame) = self.at(at) {
                return Some(frame);
            }
            at += ALIGNMENT as u64;
        }
        None
    }
}

impl Iterator for Frames<'_> {
    type Item = Frame;

    fn next(&mut self) -> Option<Frame> {
        let frame = self.at(self.offset)?;
        self.offset = frame.end();
        Some(frame)
    }
}

/// The frame at `offset` of a file of which `window` holds the bytes from `window_at` on.
pub(crate) fn frame_at(window: &[u8], window_at: u64, salt: u64, offset: u64) -> Option<Frame> {
    let start = usize::try_from(offset.checked_sub(window_at)?).ok()?;
    let header = window.get(start..)?.get(..FRAME_HEADER_BYTES)?;
    let four = |at: usize| u32::from_le_bytes([0, 1, 2, 3].map(|i| header[at + i]));
    let eight = |at: usize| u64::from_le_bytes([0, 1, 2, 3, 4, 5, 6, 7].map(|i| header[at + i]));
    let payload_bytes = four(8);
    if four(0) != MAGIC || payload_bytes as usize > FRAME_PAYLOAD_BYTES_MAX {
        return None;
    }
    let end = start + FRAME_HEADER_BYTES + (payload_bytes as usize).next_multiple_of(ALIGNMENT);
    let covered = window.get(start + 8..end)?;
    if checksum(salt, offset, covered) != four(4) {
        return None;
    }
    let kind = match header[12] {
        1 => FrameKind::Events,
        2 => FrameKind::Producer,
        3 => FrameKind::Mark,
        4 => FrameKind::End,
        _ => return None,
    };
    Some(Frame {
        offset,
        payload_bytes,
        kind,
        producer: ProducerId(four(16)),
        count: four(20),
        first_seq: Seq(eight(24)),
        durable: eight(32),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three_frames() -> Vec<u8> {
        let mut writer = FrameWriter::new(7, 0);
        writer.push(FrameKind::Producer, ProducerId(1), 0, Seq(0), 0, b"");
        writer.push(FrameKind::Mark, ProducerId(0), 0, Seq(0), 40, b"12345");
        writer.push(FrameKind::End, ProducerId(0), 0, Seq(0), 80, b"");
        writer.bytes
    }

    #[test]
    fn frames_come_back_in_order() {
        let bytes = three_frames();
        let kinds: Vec<_> = Frames::new(&bytes, 7, 0).map(|frame| frame.kind).collect();
        assert_eq!(kinds, [FrameKind::Producer, FrameKind::Mark, FrameKind::End]);
        assert_eq!(Frames::new(&bytes, 8, 0).count(), 0, "another file's salt");
    }

    #[test]
    fn every_bit_flip_and_every_cut_ends_the_scan_there() {
        let bytes = three_frames();
        let ends: Vec<u64> = Frames::new(&bytes, 7, 0).map(|frame| frame.end()).collect();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                let intact = ends.iter().filter(|end| **end <= at as u64).count();
                assert_eq!(Frames::new(&flipped, 7, 0).count(), intact, "bit {bit} of byte {at}");
            }
            let intact = ends.iter().filter(|end| **end <= at as u64).count();
            assert_eq!(Frames::new(&bytes[..at], 7, 0).count(), intact, "cut at {at}");
        }
    }

    #[test]
    fn a_frame_at_another_place_is_not_one() {
        let mut bytes = three_frames();
        bytes.splice(0..0, [0; 8]);
        assert_eq!(Frames::new(&bytes, 7, 0).find_from(0), None);
    }
}
