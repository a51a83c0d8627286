//! How results look on what they are shown on: colours, and the room there is.

use std::io::{self, IsTerminal};

use blotter::event::Level;
use clap::ValueEnum;

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl ColorChoice {
    /// Whether colours are used on the standard error.
    pub(crate) fn on_stderr(self) -> bool {
        self.allows(io::stderr().is_terminal())
    }

    fn allows(self, is_terminal: bool) -> bool {
        match self {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => is_terminal && environment_allows_colours(),
        }
    }
}

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Style {
    /// Whether colours are used.
    pub(crate) colours: bool,
    /// Columns of the terminal that tables are fitted to; nothing is fitted or cut if there is none.
    pub(crate) width: Option<usize>,
    /// How whoever reads it asks for what a table has cut.
    pub(crate) way_to_see_all: &'static str,
}

/// Widths that a table can be fitted to.
const WIDTHS: std::ops::RangeInclusive<usize> = 20..=10_000;

impl Style {
    /// No colours, nothing fitted: what pipes and files get.
    pub(crate) const PLAIN: Style = Style { colours: false, width: None, way_to_see_all: "" };

    /// For the standard output.
    pub(crate) fn of_stdout(choice: ColorChoice, way_to_see_all: &'static str) -> Style {
        let is_terminal = io::stdout().is_terminal();
        let colours = choice.allows(is_terminal);
        let width = if is_terminal { terminal_size().map(|(columns, _)| columns) } else { None };
        Style { colours, width, way_to_see_all }
    }

    /// Paints a text that is safe already.
    pub(crate) fn paint(&self, text: &str, paint: Paint) -> String {
        match paint.code() {
            Some(code) if self.colours && !text.is_empty() => format!("\x1b[{code}m{text}\x1b[0m"),
            _ => text.to_owned(),
        }
    }
}

/// Columns and rows of the terminal, if there is one.
pub(crate) fn terminal_size() -> Option<(usize, usize)> {
    let (terminal_size::Width(columns), terminal_size::Height(rows)) = terminal_size::terminal_size()?;
    let columns = usize::from(columns).clamp(*WIDTHS.start(), *WIDTHS.end());
    (rows > 0).then(|| (columns, usize::from(rows)))
}

/// What <https://no-color.org> and terminals without colours ask for.
fn environment_allows_colours() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !is_set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// What a part of the output is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    /// As it is.
    Plain,
    /// Names of columns.
    Header,
    /// Rules, notes and hints.
    Faint,
    /// Bars and sparklines.
    Bar,
    /// What goes with a level.
    Level(Level),
}

impl Paint {
    fn code(self) -> Option<&'static str> {
        match self {
            Paint::Plain => None,
            Paint::Header => Some("1"),
            Paint::Faint | Paint::Level(Level::Trace | Level::Debug) => Some("2"),
            Paint::Bar => Some("36"),
            Paint::Level(Level::Info) => Some("32"),
            Paint::Level(Level::Warn) => Some("33"),
            Paint::Level(Level::Error) => Some("31"),
            Paint::Level(Level::Critical) => Some("1;97;41"),
        }
    }
}
