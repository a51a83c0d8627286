//! The orders that an order belongs to: the one it is a slice of and those above it, its own slices and those below,
//! and in both directions what replaced what.

use std::collections::{BTreeMap, BTreeSet};

use super::FAMILY_ORDERS_MAX;
use crate::datum::Datum;
use crate::desk::inquiry::{Inquiry, More, lists};
use crate::error::Result;
use crate::rows::Row;

/// How deep slices of slices, or chains of replacements, are followed. Each step is a question.
const STEPS_MAX: usize = 256;

/// Events that say of which order an order is.
const LINKED: &str =
    "category in (order, fill) (exists parent_order_id or exists replaces or exists replaced_by)";

/// One order is of another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link {
    /// The parent, or the order that was replaced.
    pub from: String,
    /// Its part, or what replaced it.
    pub to: String,
    /// Which of the two.
    pub relation: Relation,
}

/// How one order is of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Relation {
    /// A slice of it.
    Part,
    /// Its replacement.
    Replacement,
}

impl Relation {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Relation::Part => "part",
            Relation::Replacement => "replacement",
        }
    }
}

/// See the module.
pub(super) struct Family {
    /// The seeds first.
    pub(super) ids: Vec<String>,
    pub(super) links: Vec<Link>,
    pub(super) has_more: bool,
}

/// How far an order is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    /// Only to its parent: the other slices of a parent are not what was asked for.
    Up,
    /// In all directions.
    All,
}

/// Whether an order without events is named by others.
pub(super) fn is_named(inquiry: &mut Inquiry, id: &str) -> Result<bool> {
    let text = format!("{LINKED} ({}) | head 1", names("= $id"));
    Ok(inquiry.first(&text, &[("id", Datum::from(id))])?.is_some())
}

/// The condition that one of the links compares so; as texts, for an id may have been recorded as a number.
fn names(comparison: &str) -> String {
    let fields = ["parent_order_id", "replaces", "replaced_by"];
    fields.map(|field| format!("to_text({field}) {comparison}")).join(" or ")
}

/// The orders of a correlation id.
pub(super) fn orders_of(inquiry: &mut Inquiry, correlation_id: &str) -> Result<Vec<String>> {
    let mut ids = Vec::new();
    let text = format!(
        "correlation_id = $id exists order_id | stats min(ts) as first by order_id | sort first, order_id | head {}",
        FAMILY_ORDERS_MAX + 1
    );
    inquiry.each(&text, &[("id", Datum::from(correlation_id))], |row| {
        ids.extend(printed(&row, "order_id"));
        Ok(More::Wanted)
    })?;
    Ok(ids)
}

/// An id as it prints.
pub(super) fn printed(row: &Row, column: &str) -> Option<String> {
    match row.get(column) {
        Datum::Null => None,
        Datum::Str(text) => Some(text.to_string()),
        other => Some(other.to_string()),
    }
}

/// Follows some orders.
pub(super) fn follow(inquiry: &mut Inquiry, seeds: Vec<String>) -> Result<Family> {
    let mut ids: Vec<String> = Vec::new();
    let mut reach: BTreeMap<String, Reach> = BTreeMap::new();
    let mut links: BTreeSet<Link> = BTreeSet::new();
    let mut has_more = false;
    let mut next: Vec<(String, Reach)> = seeds.into_iter().map(|id| (id, Reach::All)).collect();
    // Where nobody recorded a link there is nothing to follow.
    let is_linked = inquiry.first(&format!("{LINKED} | head 1"), &[])?.is_some();
    for step in 0.. {
        let mut new: Vec<(String, Reach)> = Vec::new();
        for (id, how_far) in next.drain(..) {
            match reach.get(&id) {
                Some(known) if *known >= how_far => continue,
                Some(_) => {}
                None if ids.len() >= FAMILY_ORDERS_MAX => {
                    has_more = true;
                    continue;
                }
                None => ids.push(id.clone()),
            }
            reach.insert(id.clone(), how_far);
            new.push((id, how_far));
        }
        if new.is_empty() || !is_linked {
            break;
        }
        if step == STEPS_MAX {
            has_more = true;
            break;
        }
        let reach_of = |id: &str| new.iter().find(|(known, _)| known == id).map(|(_, reach)| *reach);
        for link in ask(inquiry, &new)? {
            let (from, to) = (reach_of(&link.from), reach_of(&link.to));
            let wanted = match link.relation {
                // From a slice to its parent, from a parent to its slices.
                Relation::Part => {
                    let up = to.is_some().then(|| (link.from.clone(), Reach::Up));
                    let down = (from == Some(Reach::All)).then(|| (link.to.clone(), Reach::All));
                    [up, down]
                }
                Relation::Replacement => {
                    let back = (to == Some(Reach::All)).then(|| (link.from.clone(), Reach::All));
                    let forth = (from == Some(Reach::All)).then(|| (link.to.clone(), Reach::All));
                    [back, forth]
                }
            };
            if wanted.iter().any(Option::is_some) {
                next.extend(wanted.into_iter().flatten());
                links.insert(link);
            }
        }
    }
    // Those that had no room are of no order that is told.
    let links =
        links.into_iter().filter(|link| reach.contains_key(&link.from) && reach.contains_key(&link.to));
    Ok(Family { ids, links: links.collect(), has_more })
}

/// The links at some orders.
fn ask(inquiry: &mut Inquiry, orders: &[(String, Reach)]) -> Result<BTreeSet<Link>> {
    let mut links = BTreeSet::new();
    let all = orders.iter().filter(|(_, reach)| *reach == Reach::All);
    let own = lists(orders.iter().map(|(id, _)| id.as_str())).into_iter();
    let own = own.map(|list| format!("{LINKED} order_id in ({list})"));
    let others = lists(all.map(|(id, _)| id.as_str()))
        .into_iter()
        .map(|list| format!("{LINKED} ({})", names(&format!("in ({list})"))));
    for filter in own.chain(others) {
        let text = format!("{filter} | distinct order_id, parent_order_id, replaces, replaced_by");
        inquiry.each(&text, &[], |row| {
            let Some(id) = printed(&row, "order_id") else { return Ok(More::Wanted) };
            let mut add = |from: Option<String>, to: Option<String>, relation| {
                if let (Some(from), Some(to)) = (from, to) {
                    links.insert(Link { from, to, relation });
                }
            };
            add(printed(&row, "parent_order_id"), Some(id.clone()), Relation::Part);
            add(printed(&row, "replaces"), Some(id.clone()), Relation::Replacement);
            add(Some(id), printed(&row, "replaced_by"), Relation::Replacement);
            Ok(More::Wanted)
        })?;
    }
    Ok(links)
}

/// The cycles of each relation, each once, beginning with its least id.
pub(super) fn cycles(links: &[Link]) -> Vec<Vec<String>> {
    let mut found: BTreeSet<Vec<String>> = BTreeSet::new();
    for relation in [Relation::Part, Relation::Replacement] {
        let mut next: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for link in links.iter().filter(|link| link.relation == relation) {
            next.entry(&link.from).or_default().push(&link.to);
        }
        let mut done: BTreeSet<&str> = BTreeSet::new();
        let starts: Vec<&str> = next.keys().copied().collect();
        for start in starts {
            // Depth first, with the way here and what is still to be tried at each of its orders.
            let mut way: Vec<(&str, usize)> = vec![(start, 0)];
            while let Some((at, tried)) = way.last_mut() {
                let to = next.get(at).and_then(|all| all.get(*tried)).copied();
                *tried += 1;
                match to {
                    None => {
                        done.insert(at);
                        way.pop();
                    }
                    Some(to) => match way.iter().position(|(id, _)| *id == to) {
                        Some(first) => {
                            let mut cycle: Vec<String> =
                                way[first..].iter().map(|(id, _)| (*id).to_owned()).collect();
                            let least =
                                cycle.iter().enumerate().min_by_key(|(_, id)| *id).map_or(0, |(at, _)| at);
                            cycle.rotate_left(least);
                            found.insert(cycle);
                        }
                        None if !done.contains(to) => way.push((to, 0)),
                        None => {}
                    },
                }
            }
        }
    }
    found.into_iter().collect()
}
