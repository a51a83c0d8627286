//! Appends frames to the newest WAL file, and starts the next one.
//!
//! Frames are built in a buffer and written with one call. A write that fails (a full disk) leaves the
//! buffer as it is, to be tried again; nothing is lost and no seq is used twice.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::event::record::Defaults;
use crate::event::{ProducerId, Seq};
use crate::limits::FRAME_PAYLOAD_BYTES_MAX;
use crate::vfs::{Host, OpenMode, VfsFile};
use crate::wal::header::HEADER_BYTES;
use crate::wal::{FrameKind, FrameWriter, GroupSync, WalHeader, WalNumber};

/// Bytes appended since the database was opened, over all files.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct AppendPosition(pub u64);

/// See the module.
#[derive(Debug)]
pub struct WalAppender {
    host: Host,
    database: PathBuf,
    header: WalHeader,
    file: Arc<dyn VfsFile>,
    buffer: FrameWriter,
    /// Position at offset 0 of the current file.
    file_starts_at: u64,
    next_seq: Seq,
    /// Producers whose defaults stand in the current file.
    introduced: HashSet<ProducerId>,
    sync: Arc<GroupSync>,
    /// Durable offset that the last frame of the file carries.
    marked: u64,
}

/// Creates a WAL file, durable with its name.
fn create(host: &Host, database: &Path, header: &WalHeader) -> Result<Arc<dyn VfsFile>> {
    let path = header.number.path(database);
    // Left by an attempt that failed half-way; it holds no frame, or its number would be in use.
    if host.files.exists(&path).map_err(|error| Error::io("look for", &path, error))? {
        host.files.remove_file(&path).map_err(|error| Error::io("remove", &path, error))?;
    }
    let file =
        host.files.open(&path, OpenMode::CreateNew).map_err(|error| Error::io("create", &path, error))?;
    file.write_all_at(&header.encode(), 0).map_err(|error| Error::io("write", &path, error))?;
    file.sync_data().map_err(|error| Error::io("sync", &path, error))?;
    let dir = database.join("wal");
    host.files.sync_dir(&dir).map_err(|error| Error::io("sync", &dir, error))?;
    Ok(file)
}

impl WalAppender {
    /// Starts a new file.
    ///
    /// # Errors
    /// IO errors of creating it.
    pub fn create(
        host: &Host,
        database: &Path,
        identity: u128,
        number: WalNumber,
        next_seq: Seq,
    ) -> Result<WalAppender> {
        let header =
            WalHeader { database: identity, number, salt: host.random.next_u64(), first_seq: next_seq };
        let file = create(host, database, &header)?;
        WalAppender::resume(host, database, header, file, HEADER_BYTES, next_seq)
    }

    /// Goes on at `offset` of an existing file, which is synced first.
    ///
    /// # Errors
    /// IO errors of the sync.
    pub fn resume(
        host: &Host,
        database: &Path,
        header: WalHeader,
        file: Arc<dyn VfsFile>,
        offset: u64,
        next_seq: Seq,
    ) -> Result<WalAppender> {
        let path = header.number.path(database);
        file.sync_data().map_err(|error| Error::io("sync", &path, error))?;
        let sync = GroupSync::new(Arc::clone(&file), path, AppendPosition(offset));
        Ok(WalAppender {
            host: host.clone(),
            database: database.to_path_buf(),
            header,
            file,
            buffer: FrameWriter::new(header.salt, offset),
            file_starts_at: 0,
            next_seq,
            introduced: HashSet::new(),
            sync: Arc::new(sync),
            marked: offset,
        })
    }

    /// Buffers records of one producer; they get the next seqs, of which the first is returned.
    /// `records` is whole padded records, `count` of them, [`FRAME_PAYLOAD_BYTES_MAX`] bytes at most.
    pub fn append(&mut self, producer: ProducerId, defaults: &Defaults, records: &[u8], count: u32) -> Seq {
        let durable = self.durable_offset();
        if self.introduced.insert(producer) {
            self.buffer.push(FrameKind::Producer, producer, 0, self.next_seq, durable, defaults.bytes());
        }
        let first = self.next_seq;
        self.buffer.push(FrameKind::Events, producer, count, first, durable, records);
        self.next_seq = Seq(first.0 + u64::from(count));
        self.marked = durable;
        first
    }

    /// Whether the buffer has grown past one write.
    pub fn is_buffer_full(&self) -> bool {
        self.buffer.bytes.len() >= FRAME_PAYLOAD_BYTES_MAX
    }

    /// Writes the buffer. After an error it can be called again.
    ///
    /// # Errors
    /// The failed write, or an earlier failed sync.
    pub fn write(&mut self) -> Result<()> {
        self.sync.check()?;
        if self.buffer.bytes.is_empty() {
            return Ok(());
        }
        self.file
            .write_all_at(&self.buffer.bytes, self.buffer.offset)
            .map_err(|error| Error::io("write", &self.header.number.path(&self.database), error))?;
        self.buffer.written();
        self.sync.written(AppendPosition(self.file_starts_at + self.buffer.offset));
        Ok(())
    }

    /// Buffers a mark when the file's last frame does not yet carry the durable offset, so that damage
    /// to a quiet log is recognised as damage. Returns whether there was need.
    pub fn mark(&mut self) -> bool {
        let durable = self.durable_offset();
        if durable <= self.marked || durable < self.buffer.end() {
            return false;
        }
        self.push_mark(FrameKind::Mark, durable);
        true
    }

    fn push_mark(&mut self, kind: FrameKind, durable: u64) {
        self.buffer.push(kind, ProducerId(0), 0, self.next_seq, durable, &[]);
        // The mark itself need not be carried by another.
        self.marked = self.buffer.end();
    }

    /// Finishes the file, durably, and starts the next. On an error the old file goes on and the call can
    /// be repeated.
    ///
    /// # Errors
    /// IO errors, or a failed sync.
    pub fn rotate(&mut self) -> Result<()> {
        self.write()?;
        self.sync.sync_to(self.sync.written_position())?;
        let header = WalHeader {
            number: self.header.number.next(),
            salt: self.host.random.next_u64(),
            first_seq: self.next_seq,
            ..self.header
        };
        // The next file is created first, empty: should there be no room for it, this one simply goes on.
        let path = header.number.path(&self.database);
        let file = create(&self.host, &self.database, &header).inspect_err(|_| self.discard(&path))?;
        self.push_mark(FrameKind::End, self.durable_offset());
        if let Err(error) = self.write() {
            self.buffer.bytes.clear();
            self.discard(&path);
            return Err(error);
        }
        self.sync.sync_to(self.sync.written_position())?;
        self.file_starts_at += self.buffer.offset;
        self.sync.switch(Arc::clone(&file), path, AppendPosition(self.file_starts_at + HEADER_BYTES));
        self.buffer = FrameWriter::new(header.salt, HEADER_BYTES);
        self.header = header;
        self.file = file;
        self.introduced.clear();
        self.marked = HEADER_BYTES;
        Ok(())
    }

    /// Removes a next file that could not be taken into use. Should that fail too, the next attempt
    /// removes it, and recovery does: it holds no frame.
    fn discard(&self, path: &Path) {
        if self.host.files.exists(path).unwrap_or(false) {
            self.host.files.remove_file(path).unwrap_or_default();
        }
    }

    /// Offset up to which the current file is durable.
    fn durable_offset(&self) -> u64 {
        self.sync.durable_position().0.saturating_sub(self.file_starts_at)
    }

    /// The sync shared with those who wait for durability.
    pub fn sync(&self) -> &Arc<GroupSync> {
        &self.sync
    }

    /// The current file's number.
    pub fn number(&self) -> WalNumber {
        self.header.number
    }

    /// The current file and its header.
    pub fn file(&self) -> (&Arc<dyn VfsFile>, &WalHeader) {
        (&self.file, &self.header)
    }

    /// Offset in the current file up to which frames are written.
    pub fn written_offset(&self) -> u64 {
        self.buffer.offset
    }

    /// Position up to which frames are written.
    pub fn written_position(&self) -> AppendPosition {
        AppendPosition(self.file_starts_at + self.buffer.offset)
    }

    /// The seq that the next event gets.
    pub fn next_seq(&self) -> Seq {
        self.next_seq
    }
}
