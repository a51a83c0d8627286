//! Syntax tree to bound plan: names become slots, literals get types, conditions move to where they prune.

pub(crate) mod bind;
pub(crate) mod columns;
pub(crate) mod describe;
pub(crate) mod evaluate;
pub(crate) mod functions;
pub(crate) mod inline;
pub(crate) mod kinds;
pub(crate) mod members;
pub(crate) mod needle;
pub(crate) mod one_of;
pub(crate) mod scalar;
pub(crate) mod schema;
pub(crate) mod step;
mod test;

pub(crate) use evaluate::Columns;
pub(crate) mod times;
