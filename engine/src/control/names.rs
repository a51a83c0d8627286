//! Names of files in the directory.

use std::fmt;
use std::path::{Path, PathBuf};

use super::CONTROL_DIRECTORY;
use crate::vfs::Host;

/// Which request. Sorted by time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct RequestId {
    /// When it was made, in nanoseconds; so that the age of a file is in its name.
    pub(super) created_at_ns: i64,
    random: u64,
}

impl RequestId {
    pub(super) fn new(host: &Host, created_at_ns: i64) -> RequestId {
        RequestId { created_at_ns, random: host.random.next_u64() }
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{:016x}", self.created_at_ns, self.random)
    }
}

/// What a file is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Kind {
    Temporary,
    Request,
    Claimed,
    ProgressTemporary,
    Progress,
    ResponseTemporary,
    Response,
}

impl Kind {
    pub(super) const ALL: [Kind; 7] = [
        Kind::Temporary,
        Kind::Request,
        Kind::Claimed,
        Kind::ProgressTemporary,
        Kind::Progress,
        Kind::ResponseTemporary,
        Kind::Response,
    ];

    fn ending(self) -> &'static str {
        match self {
            Kind::Temporary => "tmp",
            Kind::Request => "request",
            Kind::Claimed => "claimed",
            Kind::ProgressTemporary => "progress.tmp",
            Kind::Progress => "progress",
            Kind::ResponseTemporary => "response.tmp",
            Kind::Response => "response",
        }
    }
}

/// The directory of a database.
pub(super) fn directory(database: &Path) -> PathBuf {
    database.join(CONTROL_DIRECTORY)
}

/// The path of a file.
pub(super) fn path(database: &Path, id: RequestId, kind: Kind) -> PathBuf {
    directory(database).join(format!("{id}.{}", kind.ending()))
}

/// What a name says; `None` if it is none of ours.
pub(super) fn parse(name: &str) -> Option<(RequestId, Kind)> {
    let (id, ending) = name.split_once('.')?;
    let kind = Kind::ALL.into_iter().find(|kind| kind.ending() == ending)?;
    let (created, random) = id.split_once('-')?;
    let number = |text: &str| {
        let is_ours = text.len() == 16 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        is_ours.then(|| u64::from_str_radix(text, 16).ok())?
    };
    Some((RequestId { created_at_ns: number(created)? as i64, random: number(random)? }, kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_and_others_are_none_of_ours() {
        for created_at_ns in [i64::MIN, -1, 0, 1_767_364_200_000_000_000, i64::MAX] {
            let id = RequestId { created_at_ns, random: 0xfedc };
            for kind in Kind::ALL {
                let path = path(Path::new("/d"), id, kind);
                assert_eq!(parse(path.file_name().unwrap().to_str().unwrap()), Some((id, kind)));
            }
        }
        for name in [
            "",
            ".request",
            "x.request",
            "0000000000000000-0000000000000000",
            "0000000000000000-0000000000000000.",
            "0000000000000000-0000000000000000.reques",
            "0000000000000000-000000000000000.request",
            "+000000000000000-0000000000000000.request",
            "000000000000000A-0000000000000000.request",
            "0000000000000000-0000000000000000.request.bak",
        ] {
            assert_eq!(parse(name), None, "{name}");
        }
    }
}
