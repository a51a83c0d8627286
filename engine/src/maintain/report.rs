//! What verification found, and what repair did.

use std::fmt;
use std::path::PathBuf;

use crate::catalog::Gap;

/// How much a finding matters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Severity {
    /// Something worth knowing that needs no repair.
    Note,
    /// Something is not as it was written, or is missing.
    Damage,
}

/// One thing that verification found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// The file or directory.
    pub path: PathBuf,
    /// What it is.
    pub text: String,
}

/// One line: `damage: <path>: <text>`.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Note => "note",
            Severity::Damage => "damage",
        };
        let path = self.path.display().to_string();
        write!(f, "{severity}: ")?;
        // Most errors name their file themselves.
        if self.text.contains(&path) { f.write_str(&self.text) } else { write!(f, "{path}: {}", self.text) }
    }
}

/// What [`verify`](crate::maintain::verify) found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct VerifyReport {
    /// In the order in which they were found.
    pub findings: Vec<Finding>,
    /// Segments that were read.
    pub segments: u64,
    /// WAL files that were read.
    pub wal_files: u64,
    /// Distinct events in them.
    pub events: u64,
    /// Bytes of the database: segments, WAL, catalog, manifest, journal.
    pub bytes: u64,
    /// Records that tell of a loss: a ring was full.
    pub loss_records: u64,
    /// Events that those records tell of.
    pub lost_events: u64,
}

impl VerifyReport {
    /// Whether nothing is damaged. There may be notes.
    pub fn is_clean(&self) -> bool {
        self.damage().next().is_none()
    }

    /// What is damaged.
    pub fn damage(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.severity == Severity::Damage)
    }

    pub(super) fn add(&mut self, severity: Severity, path: impl Into<PathBuf>, text: impl fmt::Display) {
        self.findings.push(Finding { severity, path: path.into(), text: text.to_string() });
    }
}

/// A file that repair set aside.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Quarantined {
    /// Where it was, relative to the database.
    pub path: PathBuf,
    /// Where it is now, relative to the database.
    pub kept_as: PathBuf,
    /// Why.
    pub reason: String,
}

/// What [`repair`](crate::maintain::repair) found and did.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RepairReport {
    /// Files that were set aside. Nothing is deleted.
    pub quarantined: Vec<Quarantined>,
    /// Files that were written anew: `journal`, `MANIFEST`, `catalog.redb`.
    pub rewritten: Vec<&'static str>,
    /// Segments there are now.
    pub segments: u64,
    /// Events there are now.
    pub events: u64,
    /// Events that were read from damaged files and are now in segments.
    pub salvaged_events: u64,
    /// Rows of damaged segments that could not be read. Where the WAL still had them, they are not lost.
    pub unreadable_rows: u64,
    /// Events that are lost, those included that earlier repairs have recorded.
    pub gaps: Vec<Gap>,
    /// What else there is to say.
    pub notes: Vec<String>,
}

impl RepairReport {
    /// Whether there was nothing to repair.
    pub fn is_unchanged(&self) -> bool {
        self.quarantined.is_empty() && self.rewritten.is_empty() && self.salvaged_events == 0
    }
}
