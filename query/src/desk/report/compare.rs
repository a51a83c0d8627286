//! A report beside that of the period before.

use super::{Report, Section};

/// The report with every figure's value in the other one, and what there is to know of that one.
///
/// Both are of one kind, so that what has a name in one has it in the other.
pub(super) fn compared(mut report: Report, previous: Report) -> Report {
    let figures_of = |section| match section {
        Section::Figures(figures) => Some(figures),
        Section::Table(_) | Section::Chart(_) => None,
    };
    let before: Vec<_> = previous.sections.into_iter().filter_map(figures_of).collect();
    for section in &mut report.sections {
        let Section::Figures(figures) = section else { continue };
        let same = before.iter().find(|section| section.name == figures.name);
        for figure in &mut figures.figures {
            let found = same.and_then(|same| same.figures.iter().find(|found| found.name == figure.name));
            figure.previous = Some(found.map(|found| found.value.clone()).unwrap_or_default());
        }
    }
    if previous.events == 0 {
        report.notes.push(format!("nothing is recorded of the period before ({})", previous.period));
    }
    for note in previous.notes {
        if !report.notes.contains(&note) {
            report.notes.push(format!("of the period before: {note}"));
        }
    }
    for part in previous.unreadable {
        if !report.unreadable.contains(&part) {
            report.unreadable.push(part);
        }
    }
    report.compared_with = Some(previous.period);
    report
}
