//! The line editor: completion, colours, hints and history of the terminal.

use std::borrow::Cow;
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use blotter::Reader;
use blotter::query::Vocabulary;
use blotter::query::syntax::{self, Token};
use clap::ValueEnum;
use rustyline::completion::{Completer, Pair};
use rustyline::config::Configurer;
use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hinter, HistoryHinter};
use rustyline::history::DefaultHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{ColorMode, CompletionType, Config, Context, Editor, Helper};

use super::commands::COMMANDS;
use super::saved::Saved;
use super::session::Session;
use super::{entry, help, state};
use crate::args::RowFormat;
use crate::outcome::{Failure, say};
use crate::render::escape::{escaped, is_unsafe};

/// Entries kept.
const HISTORY_ENTRIES_MAX: usize = 10_000;

/// How long what is known of fields and values counts as new. Live databases get new ones.
const VOCABULARY_AGE_MAX: Duration = Duration::from_secs(5);

/// See the module.
pub(super) struct LineEditor {
    editor: Editor<TypingAid, DefaultHistory>,
    history: Option<PathBuf>,
}

impl LineEditor {
    /// For a session, with the history of a file, if there is one.
    pub(super) fn new(session: &Session, history: Option<PathBuf>) -> Result<LineEditor, Failure> {
        let failed = |error: ReadlineError| {
            Failure::io("set up", Path::new("the terminal"), std::io::Error::other(error))
        };
        let colours = session.style().colours;
        let config = Config::builder()
            .max_history_size(HISTORY_ENTRIES_MAX)
            .and_then(|config| config.history_ignore_dups(true))
            .map_err(failed)?
            .history_ignore_space(true)
            .completion_type(CompletionType::List)
            .color_mode(if colours { ColorMode::Forced } else { ColorMode::Disabled })
            .build();
        let mut editor = Editor::with_config(config).map_err(failed)?;
        editor.set_helper(Some(TypingAid::new(session, colours)));
        let mut editor = LineEditor { editor, history };
        editor.load();
        Ok(editor)
    }

    /// Reads one entry, which can have several lines.
    pub(super) fn read(&mut self, prompt: &str) -> Result<String, ReadlineError> {
        self.editor.readline(prompt)
    }

    /// Adds an entry to the history, at once: the session may end any way.
    pub(super) fn remember(&mut self, entry: &str) {
        let is_new = self.editor.add_history_entry(entry).unwrap_or(false);
        if let (true, Some(path)) = (is_new, &self.history)
            && let Err(error) = self.editor.append_history(path)
        {
            self.give_up_history(&error.to_string());
        }
    }

    fn load(&mut self) {
        let Some(path) = &self.history else { return };
        let loaded = state::create_private(path).map_err(ReadlineError::from);
        if let Err(error) = loaded.and_then(|()| self.editor.load_history(path)) {
            self.give_up_history(&error.to_string());
        }
        self.editor.set_max_history_size(HISTORY_ENTRIES_MAX).unwrap_or(());
    }

    /// Said once; the session goes on without.
    fn give_up_history(&mut self, reason: &str) {
        if let Some(path) = self.history.take() {
            let path = path.display().to_string();
            say(format_args!("note: no history is kept: {}: {}", escaped(&path), escaped(reason)));
        }
    }
}

/// What helps while an entry is typed.
struct TypingAid {
    reader: Arc<Reader>,
    saved: Rc<RefCell<Saved>>,
    vocabulary: RefCell<Option<(Instant, Vocabulary)>>,
    hinter: HistoryHinter,
    colours: bool,
}

impl TypingAid {
    fn new(session: &Session, colours: bool) -> TypingAid {
        TypingAid {
            reader: Arc::clone(&session.reader),
            saved: Rc::clone(&session.saved),
            vocabulary: RefCell::new(None),
            hinter: HistoryHinter::new(),
            colours,
        }
    }

    /// Gives the words of the database to a function; nothing if it cannot be read now, which the next query says.
    fn with_vocabulary<T>(&self, take: impl FnOnce(&Vocabulary) -> T) -> Option<T> {
        let mut vocabulary = self.vocabulary.borrow_mut();
        if vocabulary.as_ref().is_none_or(|(read, _)| read.elapsed() > VOCABULARY_AGE_MAX) {
            *vocabulary = Some((Instant::now(), Vocabulary::new(self.reader.snapshot().ok()?)));
        }
        vocabulary.as_ref().map(|(_, vocabulary)| take(vocabulary))
    }

    /// What can stand at a place of a query that begins at `start`.
    fn complete_query(&self, line: &str, start: usize, cursor: usize) -> (usize, Vec<Pair>) {
        let completion =
            self.with_vocabulary(|vocabulary| syntax::complete(&line[start..], cursor - start, vocabulary));
        let Some(completion) = completion else { return (cursor, Vec::new()) };
        let mut suggestions = completion.suggestions;
        // What would act on the terminal cannot be typed either; it comes escaped, or not at all.
        suggestions.retain(|suggestion| !suggestion.text.contains(is_unsafe));
        let kind = suggestions.first().map(|suggestion| suggestion.what.clone());
        let is_one_kind = suggestions.iter().all(|suggestion| Some(&suggestion.what) == kind.as_ref());
        let candidates = suggestions.into_iter().map(|suggestion| {
            let display = match is_one_kind {
                true => suggestion.text.clone(),
                false => format!("{}  {}", suggestion.text, escaped(&suggestion.what)),
            };
            Pair { display, replacement: suggestion.text }
        });
        (start + completion.replaced.start, candidates.collect())
    }

    /// What can stand after a command.
    fn complete_command(&self, line: &str, cursor: usize) -> (usize, Vec<Pair>) {
        let begin = line.len() - line.trim_start().len();
        let typed = &line[begin..cursor];
        let Some(space) = typed.find(char::is_whitespace) else {
            return (begin, matching(typed, COMMANDS.iter().map(|command| command.name.to_owned())));
        };
        let command = &typed[..space];
        let argument = typed[space..].trim_start();
        let at = cursor - argument.len();
        let words: Vec<String> = match command {
            ".help" => help::topics().map(str::to_owned).collect(),
            ".format" => RowFormat::value_variants().iter().map(|format| format.name().to_owned()).collect(),
            ".timer" => vec!["on".to_owned(), "off".to_owned()],
            ".tz" => chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name().to_owned()).collect(),
            ".run" | ".save" => {
                self.saved.borrow().all().map(|all| all.into_keys().collect()).unwrap_or_default()
            }
            ".schema" => self.with_vocabulary(Vocabulary::field_names).unwrap_or_default(),
            _ => Vec::new(),
        };
        (at, matching(argument, words.into_iter()))
    }
}

/// Words that begin as typed, in any case.
fn matching(typed: &str, words: impl Iterator<Item = String>) -> Vec<Pair> {
    let begins_so = |word: &String| {
        word.get(..typed.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(typed))
            && !word.contains(is_unsafe)
    };
    words.filter(begins_so).map(|word| Pair { display: word.clone(), replacement: word }).collect()
}

impl Helper for TypingAid {}

impl Completer for TypingAid {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        cursor: usize,
        _: &Context<'_>,
    ) -> Result<(usize, Vec<Pair>), ReadlineError> {
        Ok(match entry::query_start(line) {
            Some(start) if start <= cursor => self.complete_query(line, start, cursor),
            None if line.trim_start().len() + cursor >= line.len() => self.complete_command(line, cursor),
            _ => (cursor, Vec::new()),
        })
    }
}

impl Hinter for TypingAid {
    type Hint = String;

    fn hint(&self, line: &str, cursor: usize, context: &Context<'_>) -> Option<String> {
        self.hinter.hint(line, cursor, context).filter(|hint| !hint.contains(is_unsafe))
    }
}

impl Validator for TypingAid {
    fn validate(&self, context: &mut ValidationContext<'_>) -> Result<ValidationResult, ReadlineError> {
        Ok(match entry::is_unfinished(context.input()) {
            true => ValidationResult::Incomplete,
            false => ValidationResult::Valid(None),
        })
    }
}

impl Highlighter for TypingAid {
    fn highlight<'l>(&self, line: &'l str, _cursor: usize) -> Cow<'l, str> {
        if self.colours { Cow::Owned(coloured(line)) } else { Cow::Borrowed(line) }
    }

    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _default: bool) -> Cow<'b, str> {
        if self.colours { Cow::Owned(format!("\x1b[1m{prompt}\x1b[0m")) } else { Cow::Borrowed(prompt) }
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        if self.colours { Cow::Owned(format!("\x1b[2m{hint}\x1b[0m")) } else { Cow::Borrowed(hint) }
    }

    fn highlight_char(&self, _line: &str, _cursor: usize, _kind: CmdKind) -> bool {
        self.colours
    }
}

/// The line in colours; the characters are the same.
fn coloured(line: &str) -> String {
    let start = entry::query_start(line).unwrap_or(line.len());
    let (command, query) = line.split_at(start);
    let mut shown = String::with_capacity(line.len() * 2);
    if command.is_empty() {
        shown.push_str(command);
    } else {
        put(&mut shown, command, Some("1;36"));
    }
    let mut end = 0;
    for (span, token) in syntax::highlight(query) {
        let Some(part) = query.get(span.start..span.end).filter(|_| span.start == end) else { break };
        put(&mut shown, part, colour_of(token));
        end = span.end;
    }
    shown.push_str(&query[end..]);
    shown
}

fn put(shown: &mut String, part: &str, colour: Option<&str>) {
    match colour {
        Some(colour) => {
            shown.push_str("\x1b[");
            shown.push_str(colour);
            shown.push('m');
            shown.push_str(part);
            shown.push_str("\x1b[0m");
        }
        None => shown.push_str(part),
    }
}

fn colour_of(token: Token) -> Option<&'static str> {
    match token {
        Token::Stage => Some("1;36"),
        Token::Keyword => Some("36"),
        Token::Function => Some("34"),
        Token::Operator => Some("33"),
        Token::Number | Token::Parameter => Some("35"),
        Token::Quoted => Some("32"),
        Token::Wrong => Some("31"),
        Token::Field | Token::Value | Token::Other => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_change_no_character() {
        for line in [
            "",
            "  ",
            ".help stages",
            ".explain a = b",
            "level >= error | top 5 message",
            "\"ü",
            ".watch 2s a",
        ] {
            let mut plain = String::new();
            let shown = coloured(line);
            for (at, part) in shown.split("\x1b[").enumerate() {
                plain.push_str(if at == 0 { part } else { part.split_once('m').unwrap().1 });
            }
            assert_eq!(plain, line);
        }
    }

    #[test]
    fn words_match_in_any_case_and_act_on_nothing() {
        let words = ["UTC", "utopia", "\x1b[2Jut", "ü"].map(str::to_owned);
        let found: Vec<String> =
            matching("ut", words.into_iter()).into_iter().map(|pair| pair.replacement).collect();
        assert_eq!(found, ["UTC", "utopia"]);
    }
}
