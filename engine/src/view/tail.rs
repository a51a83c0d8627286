//! One WAL file as readers see it: its frames checked once, as they come, and its bytes mapped.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::error::{Error, Result};
use crate::event::record::{ALIGNMENT, Defaults, Record, decode_fields};
use crate::event::{Event, FieldKey, ProducerId, Seq};
use crate::limits::FRAME_PAYLOAD_BYTES_MAX;
use crate::vfs::{Mapping, VfsFile};
use crate::view::tail_filter::{STRETCH_BYTES, TailFilter, TextHash};
use crate::wal::{
    FRAME_HEADER_BYTES, Frame, FrameKind, HEADER_BYTES, Records, WalHeader, WalNumber, frame_at,
};

/// Bytes read at once when looking for new frames; more than the largest frame.
const WINDOW_BYTES: usize = 4 * (FRAME_PAYLOAD_BYTES_MAX + FRAME_HEADER_BYTES);

/// A WAL file that is not sealed yet.
#[derive(Debug)]
pub(crate) struct WalTail {
    pub(crate) header: WalHeader,
    pub(crate) path: PathBuf,
    file: Arc<dyn VfsFile>,
    /// In the process that writes: offset up to which frames are written.
    written: AtomicU64,
    known: Mutex<Known>,
}

/// What has been read of the file so far.
#[derive(Debug)]
struct Known {
    frames: Arc<Vec<Frame>>,
    defaults: Arc<HashMap<ProducerId, Defaults>>,
    end: u64,
    finished: bool,
    mapping: Option<Mapping>,
    /// In their order, without a gap, from the first frame on.
    filters: Arc<Vec<Arc<TailFilter>>>,
}

impl WalTail {
    pub(crate) fn new(header: WalHeader, database: &Path, file: Arc<dyn VfsFile>, written: u64) -> WalTail {
        let known = Known {
            frames: Arc::default(),
            defaults: Arc::default(),
            end: HEADER_BYTES,
            finished: false,
            mapping: None,
            filters: Arc::default(),
        };
        let path = header.number.path(database);
        WalTail { header, path, file, written: AtomicU64::new(written), known: Mutex::new(known) }
    }

    pub(crate) fn number(&self) -> WalNumber {
        self.header.number
    }

    pub(crate) fn set_written(&self, offset: u64) {
        self.written.store(offset, Ordering::Release);
    }

    /// The file up to what this process has written.
    pub(crate) fn view_written(&self) -> Result<TailView> {
        self.view_to(self.written.load(Ordering::Acquire))
    }

    /// The file up to its last whole frame, whoever wrote it.
    pub(crate) fn view_file(&self) -> Result<TailView> {
        let len = self.file.len().map_err(|error| Error::io("measure", &self.path, error))?;
        self.view_to(len)
    }

    /// Makes the filters of the next stretches that have none, of about that many bytes; gives the bytes done.
    /// One thread at a time calls this.
    ///
    /// # Errors
    /// IO errors and damage, which whoever looks for something reports.
    pub(crate) fn make_filters(&self, indexed: &[FieldKey], bytes_max: u64) -> Result<u64> {
        let view = self.view_written()?;
        let mut done = 0;
        let mut first = view.filters.last().map_or(0, |filter| filter.frames.end);
        while done < bytes_max {
            let mut bytes = 0;
            let length = view.frames[first..].iter().position(|frame| {
                bytes += u64::from(frame.payload_bytes);
                bytes >= STRETCH_BYTES
            });
            // The end of an unfinished file waits until it is a whole stretch.
            let Some(length) = length else { break };
            let filter = TailFilter::build(&view, first..first + length + 1, indexed)?;
            first = filter.frames.end;
            let mut known = self.known.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            Arc::make_mut(&mut known.filters).push(Arc::new(filter));
            done += bytes;
        }
        Ok(done)
    }

    fn view_to(&self, limit: u64) -> Result<TailView> {
        let mut known = self.known.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        self.read_frames(&mut known, limit)?;
        let mapped = known.mapping.as_ref().map_or(0, |mapping| mapping.len() as u64);
        if mapped < known.end {
            // Only whole frames are mapped: they are never cut off the file again.
            let mapping = self.file.map(known.end).map_err(|error| Error::io("map", &self.path, error))?;
            known.mapping = Some(mapping);
        }
        let bytes = known.mapping.clone().expect("the header alone is mapped at the first view");
        Ok(TailView {
            path: self.path.clone(),
            header: self.header,
            bytes,
            frames: Arc::clone(&known.frames),
            defaults: Arc::clone(&known.defaults),
            filters: Arc::clone(&known.filters),
            finished: known.finished,
        })
    }

    /// Checks the frames that came since the last time.
    fn read_frames(&self, known: &mut Known, limit: u64) -> Result<()> {
        let mut window = Vec::new();
        while known.end < limit && !known.finished {
            let window_at = known.end;
            window.resize(usize::try_from(limit - window_at).unwrap_or(usize::MAX).min(WINDOW_BYTES), 0);
            match self.file.read_exact_at(&mut window, window_at) {
                Ok(()) => {}
                // Cut since it was measured: a new owner removed a torn tail.
                Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(()),
                Err(error) => return Err(Error::io("read", &self.path, error)),
            }
            while let Some(frame) = frame_at(&window, window_at, self.header.salt, known.end) {
                self.know(known, frame, &window[(frame.offset - window_at) as usize..])?;
            }
            if known.end == window_at {
                break;
            }
        }
        Ok(())
    }

    fn know(&self, known: &mut Known, frame: Frame, bytes: &[u8]) -> Result<()> {
        match frame.kind {
            FrameKind::Producer => {
                let payload = &bytes[FRAME_HEADER_BYTES..FRAME_HEADER_BYTES + frame.payload_bytes as usize];
                let defaults = Defaults::parse(payload)
                    .map_err(|error| self.damaged(frame.offset, &error.to_string()))?;
                Arc::make_mut(&mut known.defaults).insert(frame.producer, defaults);
            }
            FrameKind::Events => {
                if !known.defaults.contains_key(&frame.producer) {
                    return Err(self.damaged(frame.offset, "events of a producer that was not introduced"));
                }
                Arc::make_mut(&mut known.frames).push(frame);
            }
            FrameKind::Mark => {}
            FrameKind::End => known.finished = true,
        }
        known.end = frame.end();
        Ok(())
    }

    /// Tells a torn tail, or a frame on its way, from damage: an intact frame further on may say that more was
    /// durable than the view shows.
    ///
    /// # Errors
    /// That damage; IO errors.
    pub(crate) fn check_end(&self, view: &TailView) -> Result<()> {
        let end = view.end();
        let len = self.file.len().map_err(|error| Error::io("measure", &self.path, error))?;
        if view.finished || len <= end {
            return Ok(());
        }
        let mut rest = vec![0; usize::try_from(len - end).unwrap_or(usize::MAX)];
        match self.file.read_exact_at(&mut rest, end) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(Error::io("read", &self.path, error)),
        }
        let frame = |at| frame_at(&rest, end, self.header.salt, at);
        if frame(end).is_some() {
            return Ok(());
        }
        let mut at = end;
        while at + FRAME_HEADER_BYTES as u64 <= len {
            match frame(at) {
                Some(later) if later.durable > end => {
                    let found =
                        format!("bytes that are none, though the file was durable up to {}", later.durable);
                    return Err(self.damaged(end, &found));
                }
                Some(later) => at = later.end(),
                None => at += ALIGNMENT as u64,
            }
        }
        Ok(())
    }

    fn damaged(&self, offset: u64, found: &str) -> Error {
        Error::damaged(&self.path, offset, "a frame as the writer writes it", found, "run `blotter verify`")
    }
}

/// A WAL file up to a moment. Holds its bytes, whatever becomes of the file.
#[derive(Clone, Debug)]
pub(crate) struct TailView {
    pub(crate) path: PathBuf,
    pub(crate) header: WalHeader,
    bytes: Mapping,
    /// The Events frames.
    pub(crate) frames: Arc<Vec<Frame>>,
    defaults: Arc<HashMap<ProducerId, Defaults>>,
    filters: Arc<Vec<Arc<TailFilter>>>,
    pub(crate) finished: bool,
}

impl TailView {
    /// The frames in which an indexed field may have that text.
    pub(crate) fn frames_that_may_hold(&self, text: TextHash) -> impl Iterator<Item = &Frame> {
        self.frames_that(move |filter| filter.may_contain(text))
    }

    /// The frames in which an indexed field may have one of those texts.
    pub(crate) fn frames_that_may_hold_any<'s>(
        &'s self,
        texts: &'s [TextHash],
    ) -> impl Iterator<Item = &'s Frame> {
        self.frames_that(|filter| texts.iter().any(|text| filter.may_contain(*text)))
    }

    fn frames_that<'s>(
        &'s self,
        may_hold: impl Fn(&TailFilter) -> bool + 's,
    ) -> impl Iterator<Item = &'s Frame> {
        let unfiltered = self.filters.last().map_or(0, |filter| filter.frames.end);
        let filtered = self.filters.iter().filter(move |filter| may_hold(filter));
        filtered.flat_map(|filter| &self.frames[filter.frames.clone()]).chain(&self.frames[unfiltered..])
    }

    /// The whole file up to its last whole frame.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Offset after its last frame.
    pub(crate) fn end(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// The seq after its last event.
    pub(crate) fn next_seq(&self) -> Seq {
        self.frames
            .last()
            .map_or(self.header.first_seq, |frame| Seq(frame.first_seq.0 + u64::from(frame.count)))
    }

    /// The highest number among the producers of its events.
    pub(crate) fn highest_producer(&self) -> Option<ProducerId> {
        self.defaults.keys().max().copied()
    }

    /// The encoded records of a frame.
    pub(crate) fn payload(&self, frame: &Frame) -> &[u8] {
        frame.payload(&self.bytes)
    }

    /// The defaults of a frame's producer.
    pub(crate) fn defaults(&self, frame: &Frame) -> &Defaults {
        &self.defaults[&frame.producer]
    }

    /// The records of a frame.
    pub(crate) fn records(&self, frame: &Frame) -> Records<'_> {
        frame.records(&self.bytes)
    }

    /// Calls `take` with every record of the frame.
    pub(crate) fn each_record(
        &self,
        frame: &Frame,
        mut take: impl FnMut(Seq, &Record<'_>, &Defaults) -> Result<()>,
    ) -> Result<()> {
        let defaults = self.defaults(frame);
        let mut records = self.records(frame);
        while let Some(record) = records.next() {
            let (seq, record) = record.map_err(|error| self.damaged(records.offset, &error.to_string()))?;
            take(seq, &record, defaults)?;
        }
        Ok(())
    }

    /// Decodes a record whole.
    pub(crate) fn event(
        &self,
        producer: ProducerId,
        seq: Seq,
        record: &Record<'_>,
        defaults: &Defaults,
    ) -> Result<Event> {
        let fields = decode_fields(record, defaults)
            .map_err(|error| self.damaged(HEADER_BYTES, &error.to_string()))?;
        Ok(Event {
            ts: record.ts,
            seq,
            producer,
            pseq: record.pseq,
            category: record.category,
            level: record.level,
            fields,
        })
    }

    pub(crate) fn damaged(&self, offset: u64, found: &str) -> Error {
        Error::damaged(&self.path, offset, "an event record", found, "run `blotter verify`")
    }
}
