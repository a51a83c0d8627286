//! One error type. Each variant names the place, what was expected, what was found, and a way on.

use std::io;
use std::path::{Path, PathBuf};

/// Result of the engine's fallible operations.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, where, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused an operation on a file.
    #[error("cannot {operation} {}: {source}", path.display())]
    Io {
        /// What was attempted, as a verb: `read`, `write`, `sync`, `rename`.
        operation: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The operating system's reason.
        #[source]
        source: io::Error,
    },
    /// Bytes on disk are not what was written.
    #[error("{} is damaged at offset {offset}: expected {expected}, found {found}; hint: {hint}", path.display())]
    Damaged {
        /// The damaged file.
        path: PathBuf,
        /// Byte offset of the damage.
        offset: u64,
        /// What should stand there.
        expected: String,
        /// What stands there.
        found: String,
        /// What to do.
        hint: &'static str,
    },
    /// A file is not one of ours.
    #[error("{} is not a blotter {kind} file: it starts with {found}; hint: move it out of the database directory", path.display())]
    Foreign {
        /// The foreign file.
        path: PathBuf,
        /// What it was taken for: `segment`, `WAL`, `manifest`.
        kind: &'static str,
        /// Its first bytes, printable.
        found: String,
    },
    /// A file was written by a newer version of blotter.
    #[error("{} has {kind} format version {found}, this build reads up to {supported}; hint: open it with a newer blotter", path.display())]
    NewerVersion {
        /// The file.
        path: PathBuf,
        /// Kind of file.
        kind: &'static str,
        /// Version found.
        found: u32,
        /// Newest version this build reads.
        supported: u32,
    },
    /// Another process writes to this database.
    #[error("{} is open for writing by {holder}; hint: use a Reader, or stop that process", path.display())]
    Locked {
        /// The database directory.
        path: PathBuf,
        /// Who holds it, as far as known.
        holder: String,
    },
    /// The directory holds no database.
    #[error("{} holds no blotter database: {reason}", path.display())]
    NotADatabase {
        /// The directory.
        path: PathBuf,
        /// What is missing, and what to do.
        reason: String,
    },
    /// The directory holds no backups.
    #[error("{} holds no blotter backups: {reason}", path.display())]
    NotABackup {
        /// The directory.
        path: PathBuf,
        /// What is missing.
        reason: String,
    },
    /// The catalog and the segments disagree.
    #[error("the catalog of {} does not match its files: {reason}; hint: run `blotter repair`", path.display())]
    CatalogMismatch {
        /// The database directory.
        path: PathBuf,
        /// What disagrees.
        reason: String,
    },
    /// The catalog failed.
    #[error("catalog {}: {reason}; hint: run `blotter repair`, which rebuilds it from the segments", path.display())]
    Catalog {
        /// The catalog file.
        path: PathBuf,
        /// The reason, in the words of the key-value store.
        reason: String,
    },
    /// An event was refused; nothing of it was recorded.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// An option is out of its range.
    #[error("option {option}: {reason}")]
    InvalidOption {
        /// Name of the option.
        option: &'static str,
        /// Why it cannot be used.
        reason: String,
    },
    /// A failed sync is final: what it covered may or may not be on disk, so nothing more is
    /// accepted until the database is opened again and knows.
    #[error("recording stopped after a failed sync of {}: {reason}; hint: check the disk, then reopen the database", path.display())]
    SyncFailed {
        /// The file whose sync failed.
        path: PathBuf,
        /// The operating system's reason.
        reason: String,
    },
    /// A part of the database could not be read.
    #[error("{} is not readable: {reason}", path.display())]
    Unavailable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// An operation did not finish within its time.
    #[error("{operation} did not finish within {waited_ms} ms")]
    TimedOut {
        /// What was waited for.
        operation: &'static str,
        /// How long, in milliseconds.
        waited_ms: u64,
    },
    /// A volume has too little room for a job, which did not begin.
    #[error("{} has too little room: {reason}", path.display())]
    NoRoom {
        /// A directory of the volume.
        path: PathBuf,
        /// How much there is and how much it takes, and what to do.
        reason: String,
    },
    /// It was told to stop.
    #[error("it was told to stop; what was done stays done, the next run goes on")]
    Interrupted,
    /// What was asked for is against a policy or a hold.
    #[error("{what} is kept: {reason}")]
    Kept {
        /// What was to be deleted or changed.
        what: String,
        /// Why it stays, and what to do.
        reason: String,
    },
    /// The process that has the database open was asked to do something, and could not or would not.
    #[error("{reason}; the process that has {} open says so", path.display())]
    Declined {
        /// The database directory.
        path: PathBuf,
        /// Its error, in its words.
        reason: String,
    },
    /// Nobody was there to ask. Nothing was done.
    #[error("no process has {} open for writing, so there is none to ask; nothing was done", path.display())]
    NoOwner {
        /// The database directory.
        path: PathBuf,
    },
    /// The process that has the database open did not take a request in time. Nothing was done.
    #[error("{holder} has {} open and did not take the request within {waited_ms} ms; it was withdrawn and nothing was done; hint: it may hang, or not listen: look at it, or stop it and try again", path.display())]
    NotTaken {
        /// The database directory.
        path: PathBuf,
        /// Who has it open, as far as known.
        holder: String,
        /// How long it was given, in milliseconds.
        waited_ms: u64,
    },
    /// The process that has the database open could not be asked. Nothing was done.
    #[error("cannot ask the process that has {} open: {reason}; nothing was done; hint: run this as the user that records, with room on the volume, or stop that process", path.display())]
    CannotAsk {
        /// The database directory.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A request was taken, and its outcome never came.
    #[error("it is not known whether it was done in {}: {reason}; hint: `blotter history` lists what was done", path.display())]
    OutcomeUnknown {
        /// The database directory.
        path: PathBuf,
        /// Why it is not known.
        reason: String,
    },
    /// The database was closed.
    #[error("the database is closed")]
    Closed,
}

/// Why `emit` refused an event. The event is counted in the statistics as refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// A string is over its limit. Nothing is ever cut.
    #[error("field '{field}' has {found_bytes} bytes, the limit is {limit_bytes}")]
    TooLong {
        /// Name of the field.
        field: String,
        /// Bytes given.
        found_bytes: usize,
        /// Bytes allowed.
        limit_bytes: usize,
    },
    /// The whole event is over its limit.
    #[error("the event exceeds {limit_bytes} bytes encoded at field '{field}'")]
    EventTooLarge {
        /// Field that no longer fitted.
        field: String,
        /// Bytes allowed.
        limit_bytes: usize,
    },
    /// NaN or an infinity, which no comparison or sum can use.
    #[error("field '{field}' is {found}, not a finite number")]
    NotFinite {
        /// Name of the field.
        field: String,
        /// The value, printed.
        found: String,
    },
    /// A number that does not fit an exact decimal of 96 bits and 28 fractional digits.
    #[error("field '{field}': {found} does not fit an exact decimal (28 significant digits)")]
    DecimalRange {
        /// Name of the field.
        field: String,
        /// The value, printed.
        found: String,
    },
    /// The timestamp is outside 1677-09-21 to 2262-04-11, the range of 64-bit nanoseconds.
    #[error("field 'ts': {found} is outside 1677-09-21T00:12:43Z to 2262-04-11T23:47:16Z")]
    TimestampRange {
        /// The value, printed.
        found: String,
    },
    /// A field name is empty, too long, or holds control characters.
    #[error("'{name}' is not a field name: {reason}")]
    FieldName {
        /// The name.
        name: String,
        /// Why not.
        reason: &'static str,
    },
    /// A field was given twice in one event.
    #[error("field '{field}' was given twice")]
    FieldTwice {
        /// Name of the field.
        field: String,
    },
    /// The level was raised after fields had been given to an event that was not recorded until then.
    #[error("the level was set after fields; hint: call .level() first")]
    LevelAfterFields,
    /// A value's own formatting failed.
    #[error("the text of field '{field}' could not be formatted")]
    Unformattable {
        /// Name of the field.
        field: String,
    },
    /// Too many fields in one event.
    #[error("more than {limit} fields in one event")]
    TooManyFields {
        /// Fields allowed.
        limit: usize,
    },
}

impl Error {
    /// Whether it is that a volume, or a quota on it, is full.
    pub fn is_for_want_of_room(&self) -> bool {
        use io::ErrorKind::{QuotaExceeded, StorageFull};
        match self {
            Error::Io { source, .. } => matches!(source.kind(), StorageFull | QuotaExceeded),
            Error::NoRoom { .. } => true,
            _ => false,
        }
    }

    /// An IO error with its place.
    pub(crate) fn io(operation: &'static str, path: &Path, source: io::Error) -> Self {
        Error::Io { operation, path: path.to_path_buf(), source }
    }

    /// Damage at an offset of a file.
    pub(crate) fn damaged(
        path: &Path,
        offset: u64,
        expected: impl Into<String>,
        found: impl Into<String>,
        hint: &'static str,
    ) -> Self {
        Error::Damaged {
            path: path.to_path_buf(),
            offset,
            expected: expected.into(),
            found: found.into(),
            hint,
        }
    }
}
