//! The query language of blotter: text in, rows out. Empty until the language lands; scans and
//! lookups live in `blotter_engine::view`.
