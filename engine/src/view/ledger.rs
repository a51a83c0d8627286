//! What people and maintenance decided, as any process sees it: from the copies in the journal.

use super::Reader;
use crate::catalog::ledger::Ledger;
use crate::catalog::{Journal, JournalRecord};
use crate::error::Result;

impl Reader {
    /// The ledger: policies, holds, deletions, jobs. An entry is there shortly after what it tells of; after a crash
    /// in between, once the database was opened again.
    ///
    /// # Errors
    /// A journal that is missing, damaged, or of a newer version.
    pub fn ledger(&self) -> Result<Ledger> {
        let (host, database) = self.place();
        let (records, _) = Journal::read(host, database)?;
        // Copies may be there twice.
        Ok(Ledger::salvaged(records.into_iter().filter_map(JournalRecord::into_entry)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::ledger::{Budget, Change, LedgerEntry};
    use crate::vfs::Host;
    use crate::vfs::sim::SimHost;
    use std::path::Path;

    fn entry(number: u64, percent: u8) -> JournalRecord {
        JournalRecord::Ledger(Box::new(LedgerEntry {
            number,
            at_ns: 1,
            actor: "ann".into(),
            reason: "because".into(),
            change: Change::BudgetSet(Budget::Percent(percent)),
        }))
    }

    #[test]
    fn other_processes_see_each_entry_once_beside_the_owner() {
        let sim = SimHost::new(1);
        let host: Host = sim.boot();
        let root = Path::new("/desk.blotter");
        let options = crate::Options { threads: false, ..crate::Options::new() };
        let _db = crate::Db::open_with(&host, root, &options).unwrap();
        let reader = Reader::open_on(&host, root).unwrap();
        assert_eq!(reader.ledger().unwrap(), Ledger::default());
        let (journal, ..) = Journal::open(&host, root).unwrap();
        for record in [entry(1, 10), entry(2, 20), entry(2, 20), entry(3, 30)] {
            journal.append(&record).unwrap();
        }
        let ledger = reader.ledger().unwrap();
        assert_eq!((ledger.entries().len(), ledger.budget()), (3, Budget::Percent(30)));
    }
}
