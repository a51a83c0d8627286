//! Who has the database open while the commands run: nobody, so that they open it themselves; or an engine, here in
//! the test's own process, which is then asked.

use blotter::ledger::{Ledger, LedgerEntry};
use blotter::{Db, Options, Reader};

use crate::run::Place;

/// Runs a test with each of them, each with a place of its own.
pub(crate) fn with_each_owner(place: impl Fn() -> Place, test: impl Fn(&Place)) {
    for is_engine in [false, true] {
        let place = place();
        let engine = is_engine.then(|| engine(&place));
        println!("{}", if is_engine { "beside an engine" } else { "with nobody" });
        test(&place);
        engine.map_or(Ok(()), Db::close).unwrap();
        let verified = blotter::verify(&place.database).unwrap();
        assert!(verified.is_clean(), "{verified:?}");
    }
}

/// An engine that listens, and does nothing by itself.
pub(crate) fn engine(place: &Place) -> Db {
    Options::new().without_maintenance().open(&place.database).unwrap()
}

pub(crate) fn ledger(place: &Place) -> Ledger {
    Reader::open(&place.database).unwrap().ledger().unwrap()
}

/// The latest entry, which is the only one after so many.
#[track_caller]
pub(crate) fn only_entry_after(place: &Place, count: usize) -> LedgerEntry {
    let ledger = ledger(place);
    let [entry] = &ledger.entries()[count..] else { panic!("{:?}", ledger.entries()) };
    entry.clone()
}
