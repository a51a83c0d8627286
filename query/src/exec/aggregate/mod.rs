//! `stats`: aggregates per group, of blocks of columns by all threads, or of a stream of rows.
//!
//! ```text
//! unit ─▶ blocks ─▶ filter ─▶ codes of keys ─▶ groups ─▶ accumulators ┐
//! unit ─▶ ...                                                         ├─▶ merged by values, in order of units
//! rows ─▶ keys ─▶ groups ─▶ accumulators                              ┘
//! ```

mod accumulator;
mod blocks;
mod groups;
mod keys;
mod moments;
mod quantiles;
mod total;

type HashMap<K, V> = hashbrown::HashMap<K, V, foldhash::fast::RandomState>;
type HashSet<K> = hashbrown::HashSet<K, foldhash::fast::RandomState>;

pub(crate) use blocks::blocks;
pub(crate) use groups::rows;
