//! Who wants a change, and why.

use serde::{Deserialize, Serialize};

/// Who wants a change, and why, as the ledger keeps it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct By {
    /// A person, or `maintenance`.
    pub actor: String,
    /// Why, in their words.
    pub reason: String,
}

impl By {
    /// That actor, for that reason.
    pub fn new(actor: impl Into<String>, reason: impl Into<String>) -> By {
        By { actor: actor.into(), reason: reason.into() }
    }
}
