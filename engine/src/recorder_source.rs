//! Recorders for threads that come and go, from a handle that does not keep the database open.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Weak};

use crate::db::Engine;
use crate::error::{Error, Result};
use crate::record::{Recorder, RecorderOptions};

/// Gives recorders as long as the database is open, that is: as long as a [`Db`](crate::Db) or a recorder of it is
/// there. For what records on threads it does not start itself, such as a logger.
///
/// ```
/// # fn main() -> blotter_engine::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// use blotter_engine::{Db, RecorderOptions};
/// let db = Db::open(dir.path().join("desk.blotter"))?;
/// let source = db.recorder_source();
/// std::thread::scope(|scope| {
///     scope.spawn(|| source.recorder(RecorderOptions::new()).unwrap().system("worker_started").emit());
/// });
/// db.close()?;
/// assert!(source.recorder(RecorderOptions::new()).is_err());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct RecorderSource {
    engine: Weak<Engine>,
    database: PathBuf,
}

impl RecorderSource {
    pub(crate) fn new(engine: &Arc<Engine>) -> RecorderSource {
        RecorderSource { engine: Arc::downgrade(engine), database: engine.database().to_path_buf() }
    }

    /// A recorder for one thread.
    ///
    /// # Errors
    /// As [`Db::recorder`](crate::Db::recorder), and [`Error::Closed`] once the database is closed.
    pub fn recorder(&self, options: RecorderOptions) -> Result<Recorder> {
        Engine::recorder(&self.engine()?, options)
    }

    /// A new random id of 16 hexadecimal digits, such as correlation ids are.
    ///
    /// # Errors
    /// [`Error::Closed`] once the database is closed.
    pub fn generated_id(&self) -> Result<String> {
        Ok(self.engine()?.generated_id())
    }

    fn engine(&self) -> Result<Arc<Engine>> {
        self.engine.upgrade().ok_or(Error::Closed)
    }
}

impl fmt::Debug for RecorderSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecorderSource").field("database", &self.database).finish_non_exhaustive()
    }
}
