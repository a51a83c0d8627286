//! A file of policies: TOML, each mistake of it with its line.

use blotter::ledger::{Budget, Policy};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Categories, cold_directory};
use crate::args::values::{self, nearest};

/// The table that is about the disk, not about a category.
const DISK: &str = "disk";
const DISK_KEYS: [&str; 2] = ["budget", "cold_directory"];
const POLICY_KEYS: [&str; 7] =
    ["hot", "warm", "delete", "keep_at_least", "destroy_after", "priority", "locked"];

/// What a file asks for.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Wanted {
    /// Policies by category, with the line of each table.
    pub(super) policies: Vec<(String, usize, PolicyParts)>,
    pub(super) budget: Option<Budget>,
    /// `Some(None)` is the database's own.
    pub(super) cold_directory: Option<Option<String>>,
}

/// Settings of a policy that are given.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct PolicyParts {
    hot_days: Option<u32>,
    warm_days: Option<u32>,
    delete_days: Option<Option<u32>>,
    keep_at_least_days: Option<u32>,
    destroy_after_days: Option<Option<u32>>,
    priority: Option<u8>,
    locked: Option<bool>,
}

impl PolicyParts {
    /// The policy with what is given.
    pub(super) fn apply_to(&self, before: Policy) -> Policy {
        Policy {
            hot_days: self.hot_days.unwrap_or(before.hot_days),
            warm_days: self.warm_days.unwrap_or(before.warm_days),
            delete_days: self.delete_days.unwrap_or(before.delete_days),
            keep_at_least_days: self.keep_at_least_days.unwrap_or(before.keep_at_least_days),
            destroy_after_days: self.destroy_after_days.unwrap_or(before.destroy_after_days),
            priority: self.priority.unwrap_or(before.priority),
            locked: self.locked.unwrap_or(before.locked),
        }
    }
}

/// A mistake, and the line it is in.
#[derive(Debug, PartialEq)]
pub(super) struct Mistake {
    pub(super) line: usize,
    pub(super) reason: String,
}

/// What a text asks for; all that is wrong with it, in the order of lines.
pub(super) fn parse(text: &str, categories: &Categories, new_is_meant: bool) -> Result<Wanted, Vec<Mistake>> {
    let mut reading = Reading { text, mistakes: Vec::new() };
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let at = error.span().map_or(0, |span| span.start);
        reading.mistake(at, error.message().to_owned());
    }
    let mut wanted = Wanted::default();
    // What could not be parsed would be taken for a missing or misspelt name.
    if reading.mistakes.is_empty() {
        for (name, value) in document.get_ref() {
            reading.table(name, value, categories, new_is_meant, &mut wanted);
        }
    }
    wanted.policies.sort_by_key(|(_, line, _)| *line);
    if reading.mistakes.is_empty() {
        Ok(wanted)
    } else {
        reading.mistakes.sort_by_key(|mistake| mistake.line);
        Err(reading.mistakes)
    }
}

struct Reading<'a> {
    text: &'a str,
    mistakes: Vec<Mistake>,
}

impl Reading<'_> {
    fn table(
        &mut self,
        name: &Spanned<std::borrow::Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
        categories: &Categories,
        new_is_meant: bool,
        wanted: &mut Wanted,
    ) {
        let (at, name) = (name.span().start, name.get_ref().as_ref());
        let DeValue::Table(table) = value.get_ref() else {
            self.mistake(
                at,
                format!("'{name}' stands outside of a table; write [order] or [{DISK}] above it"),
            );
            return;
        };
        if name == DISK {
            for (key, value) in table {
                self.disk_key(key, value, wanted);
            }
            return;
        }
        if let Some(refusal) = self.category_refusal(name, categories, new_is_meant) {
            self.mistake(at, refusal);
        }
        let mut parts = PolicyParts::default();
        for (key, value) in table {
            self.policy_key(key, value, &mut parts);
        }
        wanted.policies.push((name.to_owned(), self.line_of(at), parts));
    }

    fn category_refusal(&self, name: &str, categories: &Categories, new_is_meant: bool) -> Option<String> {
        let refusal = categories.refusal(name, new_is_meant)?;
        match nearest(name, [DISK].into_iter()) {
            Some(_) => Some(format!("'{name}' is no category; did you mean [{DISK}]?")),
            None => Some(refusal),
        }
    }

    fn disk_key(
        &mut self,
        key: &Spanned<std::borrow::Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
        wanted: &mut Wanted,
    ) {
        let at = value.span().start;
        match key.get_ref().as_ref() {
            "budget" => wanted.budget = self.parsed(at, value, values::budget),
            "cold_directory" => {
                wanted.cold_directory =
                    self.parsed(at, value, |path| cold_directory(std::path::Path::new(path)));
            }
            unknown => self.unknown_key(key.span().start, unknown, &DISK_KEYS),
        }
    }

    fn policy_key(
        &mut self,
        key: &Spanned<std::borrow::Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
        parts: &mut PolicyParts,
    ) {
        let at = value.span().start;
        match key.get_ref().as_ref() {
            "hot" => parts.hot_days = self.parsed(at, value, values::days),
            "warm" => parts.warm_days = self.parsed(at, value, values::days),
            "delete" => {
                parts.delete_days = self.parsed(at, value, values::days_or_never).map(|age| age.0);
            }
            "keep_at_least" => parts.keep_at_least_days = self.parsed(at, value, values::days),
            "destroy_after" => {
                parts.destroy_after_days = self.parsed(at, value, values::days_or_never).map(|age| age.0);
            }
            "priority" => {
                let number = value.get_ref().as_integer().filter(|number| number.radix() == 10);
                parts.priority = number.and_then(|number| number.as_str().parse().ok().filter(|n| *n <= 9));
                if parts.priority.is_none() {
                    self.mistake(at, "priority is a number from 0 to 9".to_owned());
                }
            }
            "locked" => {
                parts.locked = value.get_ref().as_bool();
                if parts.locked.is_none() {
                    self.mistake(at, "locked is true or false".to_owned());
                }
            }
            unknown => self.unknown_key(key.span().start, unknown, &POLICY_KEYS),
        }
    }

    /// What a text value says; a mistake is noted if it is none or says nothing.
    fn parsed<T>(
        &mut self,
        at: usize,
        value: &Spanned<DeValue<'_>>,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let parsed = match value.get_ref().as_str() {
            Some(text) => parse(text),
            None => Err(format!("write it in quotes: \"{}\"", self.text[value.span()].trim())),
        };
        parsed.map_err(|reason| self.mistake(at, reason)).ok()
    }

    fn unknown_key(&mut self, at: usize, name: &str, known: &[&str]) {
        let hint = match nearest(name, known.iter().copied()) {
            Some(nearest) => format!("did you mean {nearest}?"),
            None => format!("there are {}", known.join(", ")),
        };
        self.mistake(at, format!("there is no setting '{name}'; {hint}"));
    }

    fn mistake(&mut self, at: usize, reason: String) {
        let line = self.line_of(at);
        self.mistakes.push(Mistake { line, reason });
    }

    fn line_of(&self, at: usize) -> usize {
        self.text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn categories() -> Categories {
        Categories::named(["order", "market_data", "raw_ticks"])
    }

    #[test]
    fn a_file_asks_for_what_it_names() {
        let text = "# ours\n[order]\nhot = \"30d\"\ndelete = \"never\"\nlocked = true\npriority = 6\n\n\
                    [raw_ticks]\ndelete = \"2w\"\n[disk]\nbudget = \"80%\"\ncold_directory = \"none\"\n";
        let wanted = parse(text, &categories(), false).unwrap();
        let order = PolicyParts {
            hot_days: Some(30),
            delete_days: Some(None),
            locked: Some(true),
            priority: Some(6),
            ..PolicyParts::default()
        };
        let ticks = PolicyParts { delete_days: Some(Some(14)), ..PolicyParts::default() };
        assert_eq!(
            wanted,
            Wanted {
                policies: vec![("order".into(), 2, order), ("raw_ticks".into(), 8, ticks)],
                budget: Some(Budget::Percent(80)),
                cold_directory: Some(None),
            }
        );
        let before = Policy::default_of("order");
        let after = order.apply_to(before);
        assert_eq!(after, Policy { delete_days: None, locked: true, ..before });
    }

    #[test]
    fn mistakes_have_lines_and_hints() {
        for (text, line, said) in [
            ("[ordr]\nhot = \"3d\"", 1, "did you mean order?"),
            ("[unheard_of]\n", 1, "no event has the category"),
            ("[Disc x]", 1, ""),
            ("[dsk]\nbudget = \"80%\"", 1, "did you mean [disk]?"),
            ("\n[order]\nhott = \"3d\"", 3, "did you mean hot?"),
            ("[order]\nhot = 30", 2, "write it in quotes: \"30\""),
            ("[order]\nhot = \"3 days\"", 2, "write 30d"),
            ("[order]\nhot = \"never\"", 2, "write 30d"),
            ("[order]\npriority = 10", 2, "from 0 to 9"),
            ("[order]\nlocked = \"yes\"", 2, "true or false"),
            ("[disk]\nbudget = \"lots\"", 2, "write 80%"),
            ("[disk]\ncold_directory = \"cold\"", 2, "no absolute path"),
            ("[disk]\nbudjet = \"80%\"", 2, "did you mean budget?"),
            ("hot = \"3d\"", 1, "outside of a table"),
            ("[order]\nhot = \"3d\"\nhot = \"4d\"", 3, "duplicate"),
            ("[order\nhot = \"3d\"", 1, ""),
        ] {
            let mistakes = parse(text, &categories(), false).unwrap_err();
            assert!(mistakes[0].line == line && mistakes[0].reason.contains(said), "{text}: {mistakes:?}");
        }
        let mistakes = parse("[ordr]\nhott = 3\n[order]\nwarm = 1", &categories(), false).unwrap_err();
        assert_eq!(mistakes.iter().map(|mistake| mistake.line).collect::<Vec<_>>(), [1, 2, 4]);
        assert!(parse("[unheard_of]\n", &categories(), true).is_ok());
    }
}
