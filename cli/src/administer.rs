//! Changes to a database: done by whichever process has it open, with who wants them and why.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::time::Duration;

use blotter::control::{By, Progress, Request, Response};
use blotter::ledger::NAME_BYTES_MAX;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::args::administer::{Reasoned, Signed};
use crate::outcome::Failure;
use crate::render::escape::escaped;

/// Has a request carried out, showing how far it has come on a terminal.
pub(crate) fn administer(directory: &Path, request: &Request, by: &By) -> Result<Response, Failure> {
    let shown = Shown::new();
    let outcome = blotter::administer(directory, request, by, &mut |progress| shown.show(&progress));
    shown.bar.finish_and_clear();
    Ok(outcome?)
}

/// What to say if the answer is to another question.
pub(crate) fn unexpected(directory: &Path) -> Failure {
    let reason = "the answer is to another question than the one asked".to_owned();
    Failure::Database(blotter::Error::OutcomeUnknown { path: directory.to_path_buf(), reason })
}

impl Reasoned {
    /// Who wants it, and why.
    pub(crate) fn by(&self) -> By {
        By::new(actor(self.actor.as_deref()), self.reason.as_str())
    }
}

impl Signed {
    /// Who wants it, and why: the reason given here if the command line has none.
    pub(crate) fn by(&self, reason: &str) -> By {
        By::new(actor(self.actor.as_deref()), self.reason.as_deref().unwrap_or(reason))
    }
}

/// The name given, or that of whoever is logged in, or their number.
fn actor(given: Option<&str>) -> String {
    let login = ["USER", "LOGNAME"].into_iter().find_map(|variable| {
        let name = std::env::var(variable).ok()?.trim().to_owned();
        (1..=NAME_BYTES_MAX).contains(&name.len()).then_some(name)
    });
    given.map(str::to_owned).or(login).unwrap_or_else(user_number)
}

#[cfg(unix)]
fn user_number() -> String {
    format!("uid {}", rustix::process::getuid().as_raw())
}

#[cfg(not(unix))]
fn user_number() -> String {
    "unknown".to_owned()
}

/// A bar that follows the steps; drawn on a terminal only.
struct Shown {
    bar: ProgressBar,
}

impl Shown {
    fn new() -> Shown {
        if !io::stderr().is_terminal() {
            return Shown { bar: ProgressBar::hidden() };
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(8));
        bar.set_style(style("{spinner} {msg} {elapsed}"));
        bar.set_message("asking");
        bar.enable_steady_tick(Duration::from_millis(200));
        Shown { bar }
    }

    fn show(&self, progress: &Progress) {
        if progress.rows > 0 && self.bar.length() != Some(progress.rows) {
            self.bar.set_style(style("{bar:30} {human_pos}/{human_len} events {msg} {elapsed}"));
            self.bar.set_length(progress.rows);
        }
        self.bar.set_position(progress.rows_done);
        let step = (progress.steps_done + 1).min(progress.steps);
        self.bar.set_message(format!("step {step} of {}: {}", progress.steps, escaped(&progress.step)));
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
