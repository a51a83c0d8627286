//! The storage engine of blotter.

pub mod error;
pub mod event;
pub mod limits;
pub mod vfs;

pub use error::{Error, Refused, Result};
