//! What happens to recorded data: sealing, verification, repair.

pub(crate) mod seal;
