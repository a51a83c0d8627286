//! Changes to a database from any process: by the one that has it open, or here if none has.

use std::path::Path;
use std::time::Duration;

use crate::catalog::ledger::By;
use crate::control::{self, Request, Response};
use crate::error::Result;
use crate::maintain::{Effort, Progress};
use crate::options::Options;
use crate::vfs::Host;

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
        let db = options.open_on(host, database)?;
        let response = db.execute(request, by, &mut |so_far| (told.borrow_mut())(so_far.clone()))?;
        db.close()?;
        Ok(response)
    };
    let asked = &mut |so_far| (told.borrow_mut())(so_far);
    control::carry_out(host, database, request, by, ASK_TIMEOUT, here, asked)
}
