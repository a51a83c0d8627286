//! Builds segments of the events that damaged files still hold: one builder per partition, sources in their order,
//! each event taken once by its seq.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::coverage::Coverage;
use super::seal::{publish_names, write_segment};
use super::wal_file::WalFile;
use crate::catalog::manifest::Manifest;
use crate::error::Result;
use crate::event::record::{Defaults, Encoder, Record};
use crate::event::{Category, Day, Event, FieldKey, ProducerId, Seq};
use crate::segment::{
    Projection, RoutingFilter, Segment, SegmentBuilder, SegmentId, SegmentIdentity, SegmentMeta,
    SegmentOptions, Tier,
};
use crate::vfs::Host;
use crate::wal::FrameKind;

/// See the module.
pub(super) struct Salvage<'h> {
    host: &'h Host,
    database: &'h Path,
    options: SegmentOptions,
    next_segment: u64,
    source_wal: u64,
    builders: HashMap<(Category, Day), SegmentBuilder>,
    encoder: Encoder,
    /// Temporary and final names of what was written.
    names: Vec<(PathBuf, PathBuf)>,
    /// What was built.
    pub(super) built: Vec<(SegmentMeta, Vec<RoutingFilter>)>,
    /// Events in it.
    pub(super) events: u64,
    /// Events whose recorder's defaults (strategy, service, session) are gone.
    pub(super) without_defaults: u64,
    /// Events that could be read and not be taken, with the reason.
    pub(super) refused: Vec<String>,
}

impl<'h> Salvage<'h> {
    pub(super) fn new(
        host: &'h Host,
        database: &'h Path,
        options: SegmentOptions,
        next_segment: u64,
        source_wal: u64,
    ) -> Salvage<'h> {
        Salvage {
            host,
            database,
            options,
            next_segment,
            source_wal,
            builders: HashMap::new(),
            encoder: Encoder::new(),
            names: Vec::new(),
            built: Vec::new(),
            events: 0,
            without_defaults: 0,
            refused: Vec::new(),
        }
    }

    /// Takes from WAL files what `coverage` does not have.
    pub(super) fn take_wal(&mut self, files: &[&WalFile], coverage: &mut Coverage) -> Result<()> {
        // A recorder says the same of its events in every file, so one copy does for all.
        let mut defaults: HashMap<ProducerId, Defaults> = HashMap::new();
        for file in files {
            for frame in file.frames.iter().filter(|frame| frame.kind == FrameKind::Producer) {
                if let Ok(known) = frame.defaults(&file.bytes) {
                    defaults.insert(frame.producer, known);
                }
            }
        }
        let none = Defaults::default();
        for file in files {
            for frame in file.frames.iter().filter(|frame| frame.kind == FrameKind::Events) {
                let known = defaults.get(&frame.producer);
                for record in frame.records(&file.bytes) {
                    // The checksum held, so this is no damage but a record of a form that is unknown.
                    let Ok((seq, record)) = record else {
                        self.refused.push(format!(
                            "a record of the frame at {} of {}",
                            frame.offset,
                            file.path.display()
                        ));
                        break;
                    };
                    if coverage.seqs.contains(seq.0) {
                        continue;
                    }
                    self.without_defaults += u64::from(known.is_none());
                    if self.push(seq, frame.producer, &record, known.unwrap_or(&none))? {
                        coverage.record(seq, frame.producer.0, &record);
                    }
                }
            }
        }
        Ok(())
    }

    /// Takes from a segment, row by row, what is readable and `coverage` does not have; gives how many rows are
    /// not readable.
    pub(super) fn take_segment(&mut self, segment: &Segment, coverage: &mut Coverage) -> Result<u64> {
        let mut unreadable = 0;
        for row in 0..segment.rows() {
            let Ok(event) = segment.event(row, &Projection::All) else {
                unreadable += 1;
                continue;
            };
            if coverage.seqs.contains(event.seq.0) {
                continue;
            }
            if !self.push_event(&event, coverage)? {
                unreadable += 1;
            }
        }
        Ok(unreadable)
    }

    fn push_event(&mut self, event: &Event, coverage: &mut Coverage) -> Result<bool> {
        let mut encoder = std::mem::take(&mut self.encoder);
        encoder.begin(event.category, event.level);
        let encoded =
            event.fields.iter().try_for_each(|(key, value)| encoder.field(key.borrow(), value.borrow()));
        let record = match encoded {
            Ok(()) => Record::parse(encoder.finish(event.ts, event.pseq)),
            Err(refused) => {
                self.refused.push(format!("seq {}: {refused}", event.seq));
                self.encoder = encoder;
                return Ok(false);
            }
        };
        let record = record.expect("what the encoder finished is a record");
        let pushed = self.push(event.seq, event.producer, &record, &Defaults::default())?;
        if pushed {
            coverage.record(event.seq, event.producer.0, &record);
        }
        self.encoder = encoder;
        Ok(pushed)
    }

    /// False if the event could not be taken.
    fn push(
        &mut self,
        seq: Seq,
        producer: ProducerId,
        record: &Record<'_>,
        defaults: &Defaults,
    ) -> Result<bool> {
        let partition = (record.category, record.ts.day());
        let builder = self.builders.entry(partition).or_insert_with(|| SegmentBuilder::new(&self.options));
        if let Err(error) = builder.push(seq, producer, record, defaults) {
            self.refused.push(format!("seq {seq}: {error}"));
            return Ok(false);
        }
        self.events += 1;
        if builder.is_full()
            && let Some(full) = self.builders.remove(&partition)
        {
            self.write(partition, full)?;
        }
        Ok(true)
    }

    fn write(&mut self, (category, day): (Category, Day), builder: SegmentBuilder) -> Result<()> {
        let id = SegmentId(self.next_segment);
        self.next_segment += 1;
        let source_wal = self.source_wal;
        let finished = builder.finish(SegmentIdentity { id, day, category, tier: Tier::Hot, source_wal });
        let path = self.database.join(finished.meta.relative_path());
        let temporary = path.with_extension("seg.tmp");
        write_segment(self.host, &temporary, &path, &finished.bytes)?;
        self.names.push((temporary, path));
        self.built.push((finished.meta, finished.filters));
        Ok(())
    }

    /// Writes what is left, and gives all segments their names.
    pub(super) fn finish(&mut self) -> Result<()> {
        let mut left: Vec<_> = self.builders.drain().filter(|(_, builder)| builder.rows() > 0).collect();
        left.sort_by_key(|((category, day), _)| (category.name(), *day));
        for (partition, builder) in left {
            self.write(partition, builder)?;
        }
        publish_names(self.host, &self.names)
    }

    /// The id after the last one used.
    pub(super) fn next_segment(&self) -> u64 {
        self.next_segment
    }
}

/// How salvaged segments are built: with the indexes that the database has.
pub(super) fn options_like(manifest: Option<&Manifest>, newest: Option<&[String]>) -> SegmentOptions {
    let mut options = SegmentOptions::default();
    let named = manifest.map(|manifest| &manifest.indexed_fields[..]).or(newest).unwrap_or_default();
    if !named.is_empty() {
        options.indexed = named.iter().map(|name| FieldKey::new(name)).collect();
    }
    options
}
