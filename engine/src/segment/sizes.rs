//! What takes the space of a segment.

use super::dictionary::{DictionaryRef, FormRef};
use super::lookup::PostingsRef;
use super::pages::{Directory, Section, SeriesRef};
use super::reader::{PRODUCER, PSEQ, SEQ, SHAPES, Segment, TS};
use crate::error::Result;

/// Bytes of one column.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ColumnBytes {
    /// Name of the field; `(message)` for numbers and words in messages, `(shape)` for which columns rows have.
    pub name: String,
    /// Values.
    pub pages: u64,
    /// Where its pages are.
    pub directory: u64,
    /// Distinct texts.
    pub dictionary: u64,
    /// Index from texts to codes.
    pub index: u64,
    /// Postings.
    pub postings: u64,
}

impl DictionaryRef {
    /// Sections that hold texts, and sections that hold the index; directories and others.
    pub(crate) fn sections(&self) -> (Vec<Section>, Vec<Section>) {
        let texts = match &self.form {
            FormRef::Texts { pages, .. } => vec![*pages],
            FormRef::Trained { pages, trained, .. } => vec![*pages, *trained],
            FormRef::Numbered { prefixes, prefix_codes, low, high } => {
                let series = [Some(prefix_codes), Some(low), high.as_ref()];
                let series = series.into_iter().flatten().map(|series| series.directory);
                std::iter::once(*prefixes).chain(series).collect()
            }
        };
        let index = self.index.iter().flat_map(|index| [index.starts.directory, index.entries.directory]);
        (texts, index.collect())
    }
}

impl PostingsRef {
    pub(crate) fn series(&self) -> [SeriesRef; 4] {
        [self.first, self.counts, self.starts, self.gaps]
    }
}

fn pages_of(directory: &Directory) -> u64 {
    directory.entries().iter().map(|entry| u64::from(entry.bytes)).sum()
}

fn section_bytes(sections: &[Section]) -> u64 {
    sections.iter().map(|section| section.bytes).sum()
}

impl Segment {
    /// Bytes by column: `ts`, `seq`, `producer`, `pseq`, shapes, then the columns; headers, footer and trailer
    /// make up the rest of the file.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged) where the file is.
    pub fn column_bytes(&self) -> Result<Vec<ColumnBytes>> {
        let mut all = Vec::new();
        for (which, name) in
            [(TS, "ts"), (SEQ, "seq"), (PRODUCER, "producer"), (PSEQ, "pseq"), (SHAPES, "(shape)")]
        {
            let mut bytes = ColumnBytes {
                name: name.to_owned(),
                pages: pages_of(self.fixed(which)?),
                directory: self.fixed[which].section.bytes,
                ..ColumnBytes::default()
            };
            if which == SHAPES {
                bytes.dictionary = self.shapes_at.bytes + self.templates_at.bytes;
            }
            all.push(bytes);
        }
        for (index, column) in self.columns.iter().enumerate() {
            let name = column.key.as_ref().map_or("(message)", |key| key.name());
            let mut bytes = ColumnBytes { name: name.to_owned(), ..ColumnBytes::default() };
            if let super::footer::PagesRef::Own(section) = column.pages {
                bytes.pages = pages_of(self.directory(index as u32)?);
                bytes.directory = section.bytes;
            }
            if let super::footer::PagesRef::Prefix { table, .. } = column.pages {
                bytes.pages = table.bytes;
            }
            if let (Some(place), Some(dictionary)) = (&column.dictionary_at, self.dictionary(index as u32)?) {
                let (texts, lookup) = place.sections();
                let (of_texts, of_index) = dictionary.directories();
                bytes.dictionary = section_bytes(&texts) + of_texts.into_iter().map(pages_of).sum::<u64>();
                bytes.index = section_bytes(&lookup) + of_index.into_iter().map(pages_of).sum::<u64>();
            }
            if let (Some(place), Some(postings)) = (&column.postings_at, self.postings(index as u32)?) {
                bytes.postings = section_bytes(&place.series().map(|series| series.directory))
                    + postings.series().map(|series| pages_of(series.directory())).iter().sum::<u64>();
            }
            all.push(bytes);
        }
        Ok(all)
    }
}
