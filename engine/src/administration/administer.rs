//! Changes to a database from any process: by the one that has it open, or here if none has.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::catalog::ledger::By;
use crate::control::{self, Request, Response};
use crate::db::Db;
use crate::error::Result;
use crate::maintain::{Effort, Progress};
use crate::options::Options;
use crate::vfs::Host;

/// How long files of replaced and deleted segments stay where nobody has the database open who could remove them later:
/// what was deleted should be gone when the command ends, and readers open what they have listed at once.
const LOCAL_GRACE: Duration = Duration::from_secs(2);
/// How long another process is given to take a request.
const ASK_TIMEOUT: Duration = Duration::from_secs(10);

/// Carries out a request: here if nobody has the database open, else by asking whoever has. An engine that opens the
/// database meanwhile gets it: what is under way here ends, and the engine is asked to go on with it.
///
/// ```
/// # fn main() -> blotter_engine::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("desk.blotter");
/// use blotter_engine::catalog::ledger::{Budget, By};
/// use blotter_engine::control::{Request, Response};
/// use blotter_engine::{Db, administer};
///
/// // An engine has it open, in this process or another: it is asked.
/// let db = Db::open(&path)?;
/// let by = By::new("operations", "the volume is shared");
/// let response = administer(&path, &Request::SetBudget(Budget::Percent(80)), &by, &mut |_| {})?;
/// assert_eq!(response, Response::BudgetSet);
/// assert_eq!(db.ledger().budget(), Budget::Percent(80));
/// # Ok(()) }
/// ```
///
/// # Errors
/// Those of what is asked for, of [`Options::open`](crate::Options::open), and of [`control::ask`].
pub fn administer(
    database: impl AsRef<Path>,
    request: &Request,
    by: &By,
    progress: &mut dyn FnMut(Progress),
) -> Result<Response> {
    administer_on(&Host::os(), database.as_ref(), request, by, progress)
}

/// As [`administer`], on the given host.
///
/// # Errors
/// As [`administer`].
pub fn administer_on(
    host: &Host,
    database: &Path,
    request: &Request,
    by: &By,
    progress: &mut dyn FnMut(Progress),
) -> Result<Response> {
    let told = std::cell::RefCell::new(progress);
    let here = &mut || {
        // Nobody records, so nothing is to be spared.
        let mut options = Options::new().create(false).without_maintenance().maintenance_effort(Effort::FULL);
        options.yields = true;
        options.grace = LOCAL_GRACE;
        let db = options.open_on(host, database)?;
        let response = db.execute(request, by, &mut |so_far| (told.borrow_mut())(so_far.clone()))?;
        if request.is_job() {
            remove_what_was_replaced(&db, request)?;
        }
        db.close()?;
        Ok(response)
    };
    let asked = &mut |so_far| (told.borrow_mut())(so_far);
    control::carry_out(host, database, request, by, ASK_TIMEOUT, here, asked)
}

/// Gives readers a moment to open what they have listed, and removes the files of what was replaced or deleted. An
/// engine that wants the database meanwhile does so itself.
fn remove_what_was_replaced(db: &Db, request: &Request) -> Result<()> {
    const STEP: Duration = Duration::from_millis(50);
    let grace = match request {
        Request::Maintain { grace_ms: Some(grace_ms), .. } => Duration::from_millis(*grace_ms),
        _ => LOCAL_GRACE,
    };
    let maintenance = &db.engine.maintenance;
    let mut left = grace;
    while maintenance.remove_retired(grace)? > 0 && !left.is_zero() {
        if maintenance.stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        std::thread::sleep(STEP.min(left));
        left = left.saturating_sub(STEP);
    }
    // Those that are left now are on a volume that is away, or a clock was set.
    maintenance.remove_retired(grace).map(drop)
}
