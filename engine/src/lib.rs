//! The storage engine of blotter.

pub(crate) mod codec;
pub mod error;
pub mod event;
pub mod limits;
pub mod segment;
pub mod vfs;

pub use error::{Error, Refused, Result};
