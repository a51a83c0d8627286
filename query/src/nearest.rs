//! The known name nearest to one that is not known, for hints.

/// Names longer than this are nobody's slip of the finger; the distance is not computed for them.
const NAME_BYTES_MAX: usize = 128;

/// The candidate that was most likely meant, if one is near enough: at most a third of its letters differ, or it
/// begins with what was written, in any case. Of equally near ones the first is taken.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        return None;
    }
    let folded = name.to_ascii_lowercase();
    let edits_max = (folded.chars().count() / 3).max(1);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        if candidate.len() > NAME_BYTES_MAX {
            continue;
        }
        let other = candidate.to_ascii_lowercase();
        let mut edits = strsim::osa_distance(&folded, &other);
        if edits > edits_max || edits >= other.chars().count() {
            // A beginning is a weaker sign than a slip, so it ranks behind every slip.
            if folded.len() < 3 || !other.starts_with(&folded) {
                continue;
            }
            edits = NAME_BYTES_MAX + other.len();
        }
        if best.is_none_or(|(least, _)| edits < least) {
            best = Some((edits, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// `did you mean 'symbol'?`, if a candidate is near enough.
pub(crate) fn did_you_mean<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(name, candidates).map(|candidate| format!("did you mean '{candidate}'?"))
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn slips_of_the_finger_are_seen_through_and_other_words_are_not() {
        let check = |name: &str, expected: Option<&str>| {
            let candidates = ["symbol", "latency_us", "price", "ts", "sort", "stats", "correlation_id"];
            assert_eq!(nearest(name, candidates), expected, "{name}");
        };
        check("symbl", Some("symbol"));
        check("latncy_us", Some("latency_us"));
        check("sortt", Some("sort"));
        check("stast", Some("stats"));
        check("SYMBOL", Some("symbol"));
        check("corr", Some("correlation_id"));
        check("tss", Some("ts"));
        check("quantity", None);
        check("x", None);
        check("", None);
        check(&"symbol".repeat(100), None);
    }
}
