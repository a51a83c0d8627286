//! What the ledger says, in sentences for people and objects for programs.

use blotter::ledger::{Budget, Change, HoldQuery, JobRecord, LedgerEntry, Policy, TierChange, Tombstone};

use super::amount::{age, budget, bytes, counted, duration, ratio, second};
use super::json::Object;

/// Names of a policy's settings, as options and files spell them, with their values.
fn settings(policy: &Policy) -> [(&'static str, String); 7] {
    [
        ("hot", age(Some(policy.hot_days))),
        ("warm", age(Some(policy.warm_days))),
        ("delete", age(policy.delete_days)),
        ("keep_at_least", age(Some(policy.keep_at_least_days))),
        ("destroy_after", age(policy.destroy_after_days)),
        ("priority", policy.priority.to_string()),
        ("locked", policy.locked.to_string()),
    ]
}

/// What differs between two policies: `delete 90 d to 60 d`; empty if nothing does.
pub(crate) fn policy_change(before: &Policy, after: &Policy) -> String {
    let both = settings(before).into_iter().zip(settings(after));
    let changed = both.filter(|((_, before), (_, after))| before != after);
    let texts: Vec<String> =
        changed.map(|((name, before), (_, after))| format!("{name} {before} to {after}")).collect();
    texts.join(", ")
}

/// Which events a hold is on.
pub(crate) fn hold_query(query: &HoldQuery) -> String {
    /// A list of ten thousand ids is for programs.
    const VALUES_SHOWN_MAX: usize = 5;
    let mut parts = Vec::new();
    if let Some(from) = query.from {
        parts.push(format!("from {}", second(from.nanos())));
    }
    if let Some(until) = query.until {
        parts.push(format!("until {}", second(until.nanos())));
    }
    for (name, values) in lists(query) {
        let shown: Vec<&str> = values.iter().take(VALUES_SHOWN_MAX).map(String::as_str).collect();
        let more = match values.len().saturating_sub(VALUES_SHOWN_MAX) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        if !shown.is_empty() {
            parts.push(format!("{name} {}{more}", shown.join(" ")));
        }
    }
    if parts.is_empty() { "all events".to_owned() } else { parts.join(", ") }
}

fn lists(query: &HoldQuery) -> [(&'static str, &[String]); 5] {
    [
        ("category", &query.categories),
        ("symbol", &query.symbols),
        ("order_id", &query.order_ids),
        ("correlation_id", &query.correlation_ids),
        ("strategy", &query.strategies),
    ]
}

/// What was deleted.
pub(crate) fn tombstone(tombstone: &Tombstone) -> String {
    format!(
        "{} {}: {}, {}, seq {} to {}, {}, root {}",
        tombstone.category,
        tombstone.day,
        counted(tombstone.rows, "event"),
        bytes(tombstone.bytes),
        tombstone.seq_min,
        tombstone.seq_max,
        tombstone.why,
        tombstone.root.as_ref().map_or_else(|| "unknown".to_owned(), ToString::to_string),
    )
}

/// What a job did. What it could not do is told beside it.
pub(crate) fn job(job: &JobRecord) -> String {
    let mut parts = vec![format!("{}: {}", job.kind, job.outcome)];
    for (name, change) in tier_changes(job) {
        if change.partitions > 0 {
            parts.push(match name {
                "deleted" => format!(
                    "deleted {} in {}, {}",
                    counted(change.rows, "event"),
                    counted(change.partitions, "partition"),
                    bytes(change.bytes_before)
                ),
                name => format!(
                    "{name} {}, {} to {} ({})",
                    counted(change.partitions, "partition"),
                    bytes(change.bytes_before),
                    bytes(change.bytes_after),
                    ratio(change.bytes_before, change.bytes_after)
                ),
            });
        }
    }
    if job.copied_bytes > 0 {
        parts.push(format!("copied {}", bytes(job.copied_bytes)));
    }
    // A run by another time than the clock's is what somebody has to answer for.
    if job.at_ns != job.began_ns {
        parts.push(format!("as of {}", second(job.at_ns)));
    }
    parts.push(format!("took {}", duration(job.ended_ns.saturating_sub(job.began_ns))));
    parts.join("; ")
}

/// The changes of a job with their names, in the order of ages.
pub(crate) fn tier_changes(job: &JobRecord) -> [(&'static str, &TierChange); 4] {
    [
        ("compacted", &job.compacted),
        ("warmed", &job.warmed),
        ("cooled", &job.cooled),
        ("deleted", &job.dropped),
    ]
}

/// What an entry tells of. A policy is shown by what differs from the one before.
pub(crate) fn change(entry: &LedgerEntry, policy_before: Option<&Policy>) -> String {
    match &entry.change {
        Change::PolicySet { category, policy } => {
            let default = Policy::default_of(category);
            let changed = policy_change(policy_before.unwrap_or(&default), policy);
            let changed = if changed.is_empty() { "as before".to_owned() } else { changed };
            format!("policy of {category}: {changed}")
        }
        Change::BudgetSet(limit) => format!("budget: {}", budget(*limit)),
        Change::ColdDirectorySet(Some(path)) => format!("cold directory: {path}"),
        Change::ColdDirectorySet(None) => "cold directory: the database's own".to_owned(),
        Change::HoldPlaced(hold) => {
            format!("hold {} for case {}: {}", entry.number, hold.case, hold_query(&hold.query))
        }
        Change::HoldReleased(id) => format!("hold {id} released"),
        Change::Dropped(dropped) => format!("deleted {}", tombstone(dropped)),
        Change::JobDone(done) => job(done),
        Change::Unreadable => "unreadable: the entry was damaged".to_owned(),
    }
}

/// An entry as an object.
pub(crate) fn entry_json(entry: &LedgerEntry) -> String {
    let object = Object::new().raw("number", entry.number).text("time", &time(entry.at_ns));
    let object = object.text("actor", &entry.actor).text("reason", &entry.reason);
    match &entry.change {
        Change::PolicySet { category, policy } => {
            policy_json(object.text("change", "policy_set").text("category", category), policy)
        }
        Change::BudgetSet(limit) => budget_json(object.text("change", "budget_set"), *limit),
        Change::ColdDirectorySet(path) => {
            object.text("change", "cold_directory_set").text_or_null("directory", path.as_deref())
        }
        Change::HoldPlaced(hold) => {
            let object = object.text("change", "hold_placed").text("case", &hold.case);
            hold_query_json(object, &hold.query)
        }
        Change::HoldReleased(id) => object.text("change", "hold_released").raw("hold", id),
        Change::Dropped(dropped) => tombstone_json(object.text("change", "deleted"), dropped),
        Change::JobDone(done) => job_json(object.text("change", "job_done"), done),
        Change::Unreadable => object.text("change", "unreadable"),
    }
    .end()
}

/// With the members of a policy; ages in days.
pub(crate) fn policy_json(object: Object, policy: &Policy) -> Object {
    object
        .raw("hot_days", policy.hot_days)
        .raw("warm_days", policy.warm_days)
        .number_or_null("delete_days", policy.delete_days)
        .raw("keep_at_least_days", policy.keep_at_least_days)
        .number_or_null("destroy_after_days", policy.destroy_after_days)
        .raw("priority", policy.priority)
        .raw("locked", policy.locked)
}

/// With the members of a budget: one of them, or neither.
pub(crate) fn budget_json(object: Object, limit: Budget) -> Object {
    let (bytes, percent) = match limit {
        Budget::Unlimited => (None, None),
        Budget::Bytes(bytes) => (Some(bytes), None),
        Budget::Percent(percent) => (None, Some(percent)),
    };
    object.number_or_null("budget_bytes", bytes).number_or_null("budget_percent", percent)
}

/// With the members of a hold's query.
pub(crate) fn hold_query_json(object: Object, query: &HoldQuery) -> Object {
    let time = |at: Option<blotter::Timestamp>| at.map(|at| at.to_string());
    let object = object.text_or_null("from", time(query.from).as_deref());
    let object = object.text_or_null("until", time(query.until).as_deref());
    lists(query)
        .into_iter()
        .fold(object, |object, (name, values)| object.texts(name, values.iter().map(String::as_str)))
}

/// With the members of a tombstone.
pub(crate) fn tombstone_json(object: Object, tombstone: &Tombstone) -> Object {
    object
        .text("category", &tombstone.category)
        .text("day", &tombstone.day.to_string())
        .raw("segments", tombstone.segments.len())
        .raw("events", tombstone.rows)
        .raw("bytes", tombstone.bytes)
        .text("first", &time(tombstone.ts_min))
        .text("last", &time(tombstone.ts_max))
        .raw("seq_min", tombstone.seq_min)
        .raw("seq_max", tombstone.seq_max)
        .text("why", &tombstone.why.to_string())
        .text_or_null("root", tombstone.root.as_ref().map(ToString::to_string).as_deref())
}

/// With the members of a job.
pub(crate) fn job_json(object: Object, job: &JobRecord) -> Object {
    let object = object
        .text("job", &job.kind.to_string())
        .text("outcome", &job.outcome.to_string())
        .text("at", &time(job.at_ns))
        .text("began", &time(job.began_ns))
        .text("ended", &time(job.ended_ns));
    let object = tier_changes(job).into_iter().fold(object, |object, (name, change)| {
        let members = Object::new()
            .raw("partitions", change.partitions)
            .raw("segments_before", change.segments_before)
            .raw("segments_after", change.segments_after)
            .raw("events", change.rows)
            .raw("bytes_before", change.bytes_before)
            .raw("bytes_after", change.bytes_after);
        object.raw(name, members.end())
    });
    object.raw("copied_bytes", job.copied_bytes).texts("problems", job.problems.iter().map(String::as_str))
}

fn time(at_ns: i64) -> String {
    blotter::Timestamp(at_ns).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_shown_by_what_differs() {
        let before = Policy::default_of("order");
        let after = Policy { delete_days: None, keep_at_least_days: 365, locked: true, ..before };
        assert_eq!(
            policy_change(&before, &after),
            "delete 3 y to never, keep_at_least 0 d to 1 y, locked false to true"
        );
        assert_eq!(policy_change(&before, &before), "");
    }

    #[test]
    fn holds_are_shown_by_what_they_ask_for() {
        assert_eq!(hold_query(&HoldQuery::default()), "all events");
        let query = HoldQuery {
            from: Some(blotter::Timestamp(1)),
            categories: vec!["order".into(), "fill".into()],
            order_ids: (0..8).map(|n| format!("A-{n}")).collect(),
            ..HoldQuery::default()
        };
        assert_eq!(
            hold_query(&query),
            "from 1970-01-01T00:00:00Z, category order fill, order_id A-0 A-1 A-2 A-3 A-4 and 3 more"
        );
    }
}
