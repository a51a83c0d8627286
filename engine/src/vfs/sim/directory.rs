//! The names of one simulated directory: what is visible, what is durable, and the changes in between.

use std::collections::BTreeMap;

use super::clock::Prng;

/// Number of a file or directory, never reused.
pub(super) type NodeId = u64;

/// What a name stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Node {
    File(NodeId),
    Directory(NodeId),
}

pub(super) type Names = BTreeMap<String, Node>;

/// One change of a directory; it survives a power failure whole or not at all.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Link { name: String, node: Node },
    Unlink { name: String },
    Rename { from: String, to: String, node: Node },
}

/// A change, and the number of the rename that ties it to its other half in another directory.
#[derive(Clone, Debug)]
struct Pending {
    change: Change,
    tie: Option<u64>,
}

/// One directory.
#[derive(Clone, Debug, Default)]
pub(super) struct Directory {
    pub(super) names: Names,
    durable: Names,
    pending: Vec<Pending>,
}

impl Directory {
    /// Changes it visibly.
    pub(super) fn change(&mut self, change: Change, tie: Option<u64>) {
        apply(&mut self.names, &change);
        self.pending.push(Pending { change, tie });
    }

    fn settle(&mut self, count: usize) {
        for pending in self.pending.drain(..count) {
            apply(&mut self.durable, &pending.change);
        }
    }
}

fn apply(names: &mut Names, change: &Change) {
    match change {
        Change::Link { name, node } => {
            names.insert(name.clone(), *node);
        }
        Change::Unlink { name } => {
            names.remove(name);
        }
        Change::Rename { from, to, node } => {
            names.remove(from);
            names.insert(to.clone(), *node);
        }
    }
}

pub(super) type Directories = BTreeMap<NodeId, Directory>;

/// Makes all changes of a directory durable, and of others what renames tie to them.
pub(super) fn sync(directories: &mut Directories, id: NodeId) {
    let all = directories.get(&id).map_or(0, |directory| directory.pending.len());
    settle(directories, BTreeMap::from([(id, all)]));
}

/// Leaves each directory a prefix of its changes.
pub(super) fn power_failure(directories: &mut Directories, random: &mut Prng) {
    let mut cuts = BTreeMap::new();
    for (id, directory) in directories.iter() {
        let all = directory.pending.len();
        let cut = match random.below(4) {
            0 => 0,
            1 => all,
            _ => random.below(all as u64 + 1) as usize,
        };
        cuts.insert(*id, cut);
    }
    settle(directories, cuts);
    for directory in directories.values_mut() {
        directory.pending.clear();
        directory.names.clone_from(&directory.durable);
    }
}

/// Makes the given number of changes of each directory durable, more where a rename between two
/// directories would be halved.
fn settle(directories: &mut Directories, mut cuts: BTreeMap<NodeId, usize>) {
    loop {
        let mut grown = false;
        let tied: Vec<u64> = cuts
            .iter()
            .flat_map(|(id, cut)| directories[id].pending[..*cut].iter().filter_map(|pending| pending.tie))
            .collect();
        for (id, directory) in directories.iter() {
            let needed = directory
                .pending
                .iter()
                .rposition(|pending| pending.tie.is_some_and(|tie| tied.contains(&tie)))
                .map_or(0, |last| last + 1);
            let cut = cuts.entry(*id).or_insert(0);
            if *cut < needed {
                *cut = needed;
                grown = true;
            }
        }
        if !grown {
            break;
        }
    }
    for (id, cut) in cuts {
        if let Some(directory) = directories.get_mut(&id) {
            directory.settle(cut);
        }
    }
}
