//! STUB
#![allow(missing_docs)]
mod filter;
mod hash;
mod meta;
use crate::error::*;
use crate::event::record::*;
use crate::event::*;
use crate::vfs::Mapping;
pub use meta::{Route, RoutingFilter, SegmentId, SegmentMeta, Tier};
use std::path::Path;
impl Tier {
    pub const ALL: [Tier; 3] = [Tier::Hot, Tier::Warm, Tier::Cold];
}
#[derive(Clone, Debug)]
pub struct SegmentOptions {
    pub indexed: Vec<FieldKey>,
    pub block_rows: u32,
    pub text_level: i32,
}
impl Default for SegmentOptions {
    fn default() -> Self {
        SegmentOptions {
            indexed: vec![Field::ORDER_ID.into(), Field::CORRELATION_ID.into(), Field::SYMBOL.into()],
            block_rows: 4096,
            text_level: 1,
        }
    }
}
pub struct SegmentIdentity {
    pub id: SegmentId,
    pub day: Day,
    pub category: String,
    pub tier: Tier,
    pub source_wal: u64,
}
pub struct FinishedSegment {
    pub bytes: Vec<u8>,
    pub meta: SegmentMeta,
    pub filters: Vec<RoutingFilter>,
}
pub struct SegmentBuilder {
    rows: Vec<(i64, u64, u32, Vec<u8>, Defaults)>,
    indexed: Vec<FieldKey>,
}
impl SegmentBuilder {
    pub fn new(o: &SegmentOptions) -> Self {
        SegmentBuilder { rows: vec![], indexed: o.indexed.clone() }
    }
    pub fn push(
        &mut self,
        seq: Seq,
        producer: ProducerId,
        r: &Record<'_>,
        d: &Defaults,
    ) -> std::result::Result<(), RecordError> {
        self.rows.push((r.ts.0, seq.0, producer.0, r.bytes().to_vec(), d.clone()));
        Ok(())
    }
    pub fn finish(mut self, i: SegmentIdentity) -> FinishedSegment {
        self.rows.sort_by_key(|r| (r.0, r.1));
        let mut bytes = vec![];
        let mut routes: Vec<Route> = vec![];
        for (_, seq, p, r, d) in &self.rows {
            for x in [*seq, u64::from(*p), r.len() as u64, d.bytes().len() as u64] {
                bytes.extend_from_slice(&x.to_le_bytes());
            }
            bytes.extend_from_slice(r);
            bytes.extend_from_slice(d.bytes());
            for f in Record::parse(r).unwrap().fields() {
                let (k, v) = f.unwrap();
                if self.indexed.contains(&k.to_key()) && !routes.iter().any(|r| r.field == k.name()) {
                    let _ = v;
                    routes.push(Route {
                        field: k.name().into(),
                        min: String::new(),
                        max: String::new(),
                        distinct: 1,
                    });
                }
            }
        }
        let meta = SegmentMeta {
            id: i.id,
            category: i.category,
            day: i.day,
            tier: i.tier,
            rows: self.rows.len() as u64,
            ts_min: self.rows[0].0,
            ts_max: self.rows.last().unwrap().0,
            seq_min: self.rows.iter().map(|r| r.1).min().unwrap(),
            seq_max: self.rows.iter().map(|r| r.1).max().unwrap(),
            level_max: 5,
            source_wal: i.source_wal,
            file_bytes: 0,
            footer_crc: 7,
            routes,
        };
        let mut meta = meta;
        let m = crate::codec::encode(&meta);
        meta.file_bytes = (bytes.len() + m.len() + 8) as u64;
        let m2 = crate::codec::encode(&meta);
        bytes.extend_from_slice(&m2);
        bytes.extend_from_slice(&(m2.len() as u64).to_le_bytes());
        FinishedSegment { bytes, meta, filters: vec![] }
    }
}
pub enum Lookup {
    NotIndexed,
    Rows(Vec<u32>),
}
#[derive(Clone, Debug)]
pub enum Projection {
    All,
    Fields(Vec<FieldKey>),
}
impl Projection {
    pub fn all() -> Self {
        Projection::All
    }
    pub fn fields(f: impl IntoIterator<Item = FieldKey>) -> Self {
        Projection::Fields(f.into_iter().collect())
    }
    pub fn apply(&self, e: &mut Event) {
        if let Projection::Fields(f) = self {
            e.fields.retain(|(k, _)| f.contains(k))
        }
    }
}
#[derive(Debug)]
pub struct Segment {
    meta: SegmentMeta,
    events: Vec<Event>,
}
impl Segment {
    pub fn open(_path: &Path, b: Mapping) -> Result<Segment> {
        let n = b.len();
        let l = u64::from_le_bytes(b[n - 8..].try_into().unwrap()) as usize;
        let meta: SegmentMeta = crate::codec::decode(&b[n - 8 - l..n - 8]).unwrap();
        let mut at = 0;
        let mut events = vec![];
        while at < n - 8 - l {
            let w: Vec<u64> = (0..4)
                .map(|i| u64::from_le_bytes(b[at + i * 8..at + i * 8 + 8].try_into().unwrap()))
                .collect();
            at += 32;
            let r = Record::parse(&b[at..at + w[2] as usize]).unwrap();
            at += w[2] as usize;
            let d = Defaults::parse(&b[at..at + w[3] as usize]).unwrap();
            at += w[3] as usize;
            events.push(Event {
                ts: r.ts,
                seq: Seq(w[0]),
                producer: ProducerId(w[1] as u32),
                pseq: r.pseq,
                category: r.category,
                level: r.level,
                fields: decode_fields(&r, &d).unwrap(),
            });
        }
        Ok(Segment { meta, events })
    }
    pub fn meta(&self) -> &SegmentMeta {
        &self.meta
    }
    pub fn lookup(&self, f: FieldRef<'_>, text: &str) -> Result<Lookup> {
        Ok(Lookup::Rows(
            self.events
                .iter()
                .enumerate()
                .filter(|(_, e)| e.field(f).is_some_and(|v| v.to_string() == text))
                .map(|x| x.0 as u32)
                .collect(),
        ))
    }
    pub fn find_ts(&self, ts: i64) -> Result<u32> {
        Ok(self.events.partition_point(|e| e.ts.0 < ts) as u32)
    }
    pub fn event(&self, row: u32, p: &Projection) -> Result<Event> {
        let mut e = self.events[row as usize].clone();
        p.apply(&mut e);
        Ok(e)
    }
    pub fn verify(&self) -> Result<()> {
        Ok(())
    }
}
