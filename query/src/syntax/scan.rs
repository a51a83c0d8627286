//! A text that is being written, taken apart: what each part is, and what can come next.
//!
//! This is the grammar once more, without trees and without errors: from left to right, it keeps for each open bracket
//! what it expects, and goes on after anything. Memory grows with the open brackets, time with the text.

use super::ast::Span;
use super::highlight::Token;
use super::lexical::{self, is_keyword};
use super::literal;
use super::words;
use crate::syntax::ast::LiteralKind;

/// What can come next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expect {
    /// A condition.
    Term,
    /// After a condition, or after what may be the left of one.
    AfterTerm,
    /// The value of the field of the comparison.
    Value,
    /// The parenthesis of a list of values.
    List,
    /// The `and` between two ends.
    BetweenAnd,
    /// A point in time.
    Time,
    /// A zone.
    Zone,
    /// A stretch of time.
    Duration,
    /// A number of rows.
    Number,
    /// The name of a field.
    Field,
    /// After the name of a field.
    AfterField,
    /// The name of a stage.
    Stage,
    /// A value of an expression.
    Operand,
    /// After a value of an expression.
    AfterOperand,
    /// An aggregate.
    Aggregate,
    /// A name that is made up.
    NewName,
    /// The `=` after a new column.
    Assign,
    /// The parenthesis of another query.
    Query,
    /// A keyword of the stage, or the end of it.
    Clause,
    /// The end of the stage.
    End,
}

/// What an open bracket belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bracket {
    /// A query; the outermost has no bracket.
    Query,
    /// Conditions.
    Group,
    /// Values.
    List,
    /// An expression.
    Expression,
    /// Arguments.
    Call,
}

/// An open bracket, or the query itself, and how far it has come.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) bracket: Bracket,
    pub(super) expect: Expect,
    /// The first byte inside.
    pub(super) start: usize,
    /// The last pipe, of a query.
    pub(super) pipe: Option<usize>,
    /// The stage, of a query that has come so far; the function, of arguments.
    pub(super) name: String,
    /// Whether the keys of the stage have begun.
    pub(super) by: bool,
    /// What may be the left of a comparison, or is.
    pub(super) field: Option<String>,
    /// The term that a point in time or a duration belongs to.
    pub(super) term: &'static str,
    negated: bool,
    between: bool,
    durations: usize,
    call: bool,
}

impl Frame {
    fn new(bracket: Bracket, expect: Expect, start: usize) -> Frame {
        Frame {
            bracket,
            expect,
            start,
            pipe: None,
            name: String::new(),
            by: false,
            field: None,
            term: "",
            negated: false,
            between: false,
            durations: 0,
            call: false,
        }
    }

    /// A value, a condition or a bracket has ended.
    fn ended(&mut self) {
        self.expect = match self.expect {
            Expect::Value if self.between => {
                self.between = false;
                Expect::BetweenAnd
            }
            Expect::Value if self.bracket == Bracket::List => Expect::AfterOperand,
            Expect::Value | Expect::List | Expect::Time => {
                self.field = None;
                Expect::AfterTerm
            }
            Expect::Term | Expect::AfterTerm | Expect::BetweenAnd => Expect::AfterTerm,
            Expect::Field | Expect::AfterField if self.term == "exists" => {
                self.term = "";
                Expect::AfterTerm
            }
            Expect::Field | Expect::AfterField => Expect::AfterField,
            Expect::Duration if self.term == "last" => {
                self.term = "";
                Expect::AfterTerm
            }
            Expect::Duration if self.name == "context" && self.durations == 0 => {
                self.durations = 1;
                Expect::Duration
            }
            Expect::Zone if !self.term.is_empty() => Expect::AfterTerm,
            Expect::Number if self.name == "top" => Expect::Operand,
            Expect::Duration | Expect::Query | Expect::Clause => Expect::Clause,
            Expect::Zone if self.name == "timeline" => Expect::Clause,
            Expect::Zone | Expect::Number | Expect::End | Expect::Stage => Expect::End,
            Expect::Operand | Expect::AfterOperand | Expect::Aggregate => Expect::AfterOperand,
            Expect::NewName if self.name == "extend" => Expect::Assign,
            Expect::NewName | Expect::Assign => Expect::AfterOperand,
        };
    }

    /// What an item of the list starts with that a comma goes on.
    fn item(&self) -> Expect {
        match (self.bracket, self.name.as_str()) {
            (Bracket::List, _) => Expect::Value,
            (Bracket::Query, "extend") => Expect::NewName,
            (Bracket::Query, "stats") if !self.by => Expect::Aggregate,
            (Bracket::Query, "asof" | "join" | "context") => Expect::Field,
            (Bracket::Query, "fields") if self.by => Expect::Field,
            _ => Expect::Operand,
        }
    }
}

/// A part of the text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Part {
    pub(super) span: Span,
    pub(super) token: Token,
    pub(super) shape: Shape,
}

/// What a part looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// White space or a comment.
    Space,
    /// A word, a number or a parameter.
    Word,
    /// In quotes or backticks; `closed` or not.
    Quoted { closed: bool },
    /// Brackets, commas, signs, pipes.
    Sign,
}

/// A text taken apart.
pub(super) struct Scan<'t> {
    text: &'t str,
    at: usize,
    /// The open brackets, the innermost last. The first is the query itself.
    pub(super) frames: Vec<Frame>,
    /// The parts, without gaps.
    pub(super) parts: Vec<Part>,
}

impl<'t> Scan<'t> {
    /// Takes a text apart.
    pub(super) fn new(text: &'t str) -> Scan<'t> {
        let frames = vec![Frame::new(Bracket::Query, Expect::Term, 0)];
        let mut scan = Scan { text, at: 0, frames, parts: Vec::new() };
        while scan.at < text.len() {
            scan.part();
        }
        scan
    }

    /// The innermost open bracket.
    pub(super) fn top(&self) -> &Frame {
        self.frames.last().expect("the query itself is never closed")
    }

    fn frame(&mut self) -> &mut Frame {
        self.frames.last_mut().expect("the query itself is never closed")
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn push(&mut self, length: usize, token: Token, shape: Shape) {
        let span = Span { start: self.at, end: self.at + length };
        self.parts.push(Part { span, token, shape });
        self.at += length;
    }

    fn part(&mut self) {
        let rest = self.rest();
        let space = rest.len() - lexical::space(self.text, rest).len();
        if space > 0 {
            return self.push(space, Token::Other, Shape::Space);
        }
        match rest.chars().next().expect("the text has not ended") {
            '"' | '\'' => self.quoted(),
            '`' => self.backticked(),
            '$' if lexical::identifier(&rest[1..]).is_ok() => self.parameter(),
            '(' | '{' => self.open(),
            c @ (')' | '}') => self.close(c),
            '|' => self.pipe(),
            ',' => self.comma(),
            '=' | '<' | '>' | '!' | '~' => self.sign(),
            c => self.other(c),
        }
    }

    fn quoted(&mut self) {
        let (length, closed) = lexical::quoted_extent(self.rest());
        let fits = matches!(
            self.top().expect,
            Expect::Term | Expect::AfterTerm | Expect::Value | Expect::Time | Expect::Zone | Expect::Operand
        );
        if self.top().expect == Expect::AfterTerm {
            self.frame().expect = Expect::Term;
        }
        self.frame().field = self.frame().field.take().filter(|_| self.top().bracket == Bracket::List);
        self.push(length, if fits { Token::Quoted } else { Token::Wrong }, Shape::Quoted { closed });
        self.frame().ended();
    }

    fn backticked(&mut self) {
        let (length, closed) = lexical::quoted_extent(self.rest());
        let name = self.rest()[1..length - usize::from(closed)].replace("``", "`");
        self.push(length, Token::Field, Shape::Quoted { closed });
        self.named(name);
    }

    /// The name of a field has been read.
    fn named(&mut self, name: String) {
        let frame = self.frame();
        if matches!(frame.expect, Expect::Term | Expect::AfterTerm) {
            frame.field = Some(name);
            frame.expect = Expect::AfterTerm;
        } else {
            frame.ended();
        }
    }

    fn parameter(&mut self) {
        let length = 1 + lexical::identifier(&self.rest()[1..]).map_or(0, |(_, name)| name.len());
        let fits = matches!(self.top().expect, Expect::Value | Expect::Operand);
        self.push(length, if fits { Token::Parameter } else { Token::Wrong }, Shape::Word);
        self.frame().ended();
    }

    fn open(&mut self) {
        let brace = self.rest().starts_with('{');
        let frame = self.frame();
        let call = std::mem::take(&mut frame.call);
        let name = if call { frame.field.take().unwrap_or_default() } else { String::new() };
        let (bracket, expect) = match frame.expect {
            _ if call && is_keyword(&name, "if") => (Bracket::Call, Expect::Term),
            _ if call => (Bracket::Call, Expect::Operand),
            Expect::Query => (Bracket::Query, Expect::Term),
            Expect::List => (Bracket::List, Expect::Value),
            Expect::Term | Expect::AfterTerm if !brace => (Bracket::Group, Expect::Term),
            _ => (Bracket::Expression, Expect::Operand),
        };
        if frame.expect == Expect::AfterTerm {
            // A new term stands side by side with the one before.
            frame.expect = Expect::Term;
            frame.field = None;
        }
        let field = frame.field.clone().filter(|_| bracket == Bracket::List);
        self.push(1, Token::Other, Shape::Sign);
        let mut inner = Frame::new(bracket, expect, self.at);
        (inner.name, inner.field) = (name, field);
        self.frames.push(inner);
    }

    fn close(&mut self, bracket: char) {
        let brace = self.frames.len() > 1 && self.text[..self.top().start].ends_with('{');
        let fits = self.frames.len() > 1 && brace == (bracket == '}');
        self.push(1, if fits { Token::Other } else { Token::Wrong }, Shape::Sign);
        if !fits {
            return;
        }
        let closed = self.frames.pop().expect("there are two at least");
        let frame = self.frame();
        if frame.expect == Expect::Term && matches!(closed.bracket, Bracket::Call | Bracket::Expression) {
            // What was computed is the left of a comparison; there are no values to offer for it.
            frame.field = Some(String::new());
            frame.expect = Expect::AfterTerm;
        } else {
            frame.ended();
        }
    }

    /// A pipe belongs to a query, so it ends whatever else is open.
    fn pipe(&mut self) {
        while self.top().bracket != Bracket::Query {
            self.frames.pop();
        }
        let fits = !matches!(self.top().expect, Expect::Stage);
        let at = self.at;
        self.push(1, if fits { Token::Operator } else { Token::Wrong }, Shape::Sign);
        let frame = self.frame();
        *frame = Frame { pipe: Some(at), ..Frame::new(Bracket::Query, Expect::Stage, frame.start) };
    }

    fn comma(&mut self) {
        self.push(1, Token::Other, Shape::Sign);
        let frame = self.frame();
        frame.expect = frame.item();
    }

    fn sign(&mut self) {
        let sign = lexical::sign(self.rest()).1;
        let frame = self.frame();
        let fits = match frame.expect {
            Expect::AfterTerm => {
                ["=", "==", "!=", "<>", "<", "<=", ">", ">=", "~", "!~"].contains(&sign)
                    && frame.field.is_some()
            }
            Expect::Assign => sign == "=",
            Expect::AfterField => frame.name == "join" && matches!(sign, "=" | "=="),
            _ => false,
        };
        frame.expect = match frame.expect {
            Expect::Term | Expect::AfterTerm => Expect::Value,
            Expect::Assign => Expect::Operand,
            Expect::AfterField => Expect::Field,
            other => other,
        };
        self.push(sign.len(), if fits { Token::Operator } else { Token::Wrong }, Shape::Sign);
    }

    /// A word, a sign of arithmetic, or what cannot be.
    fn other(&mut self, first: char) {
        let in_filter = matches!(
            self.top().expect,
            Expect::Term
                | Expect::AfterTerm
                | Expect::Value
                | Expect::List
                | Expect::BetweenAnd
                | Expect::Time
                | Expect::Zone
                | Expect::Duration
                | Expect::Number
        );
        if in_filter {
            let word = lexical::bare(self.rest()).1;
            return if word.is_empty() {
                self.push(first.len_utf8(), Token::Wrong, Shape::Sign);
            } else {
                self.filter_word(word);
            };
        }
        if let Ok((_, word)) = lexical::identifier(self.rest()) {
            return self.expression_word(word);
        }
        if self.top().expect == Expect::Operand && (first.is_ascii_digit() || first == '.') {
            return self.number();
        }
        if self.rest().starts_with("->") && self.top().expect == Expect::AfterField {
            self.push(2, Token::Operator, Shape::Sign);
            self.frame().expect = Expect::Field;
            return;
        }
        if "+-*/%".contains(first) {
            let fits = self.top().expect == Expect::AfterOperand
                || self.top().expect == Expect::Operand && first == '-';
            if fits {
                self.frame().expect = Expect::Operand;
            }
            return self.push(1, if fits { Token::Operator } else { Token::Wrong }, Shape::Sign);
        }
        let length = lexical::bare(self.rest()).1.len().max(first.len_utf8());
        self.push(length, Token::Wrong, Shape::Word);
    }

    fn number(&mut self) {
        let length = literal::unsigned_length(self.rest());
        let fits = literal::of_word(&self.rest()[..length]).kind != LiteralKind::Word;
        self.push(length.max(1), if fits { Token::Number } else { Token::Wrong }, Shape::Word);
        self.frame().ended();
    }

    /// A word of a filter.
    fn filter_word(&mut self, word: &'t str) {
        let length = word.len();
        let after = &self.rest()[length..];
        let folded = word.to_ascii_lowercase();
        let keyword = |keyword: &str| is_keyword(word, keyword);
        let called = after.starts_with('(') && lexical::is_identifier_text(word);
        let following = lexical::space(self.text, after);
        let compared = following.starts_with(['=', '<', '>', '~'])
            || following.starts_with("!=")
            || following.starts_with("!~")
            || lexical::keyword_of(following, &["in", "between", "like", "contains"]).is_some();
        if self.top().expect == Expect::Duration && self.top().term != "last" && self.clause(&folded, word) {
            return self.push(length, Token::Keyword, Shape::Word);
        }
        let frame = self.frame();
        let mut token = Token::Keyword;
        match frame.expect {
            Expect::AfterTerm if keyword("and") || keyword("or") => {
                frame.expect = Expect::Term;
                frame.field = None;
                frame.term = "";
            }
            Expect::AfterTerm if keyword("not") => {
                frame.negated = frame.field.is_some();
                frame.expect = Expect::Term;
            }
            Expect::AfterTerm if frame.field.is_some() && keyword("in") => frame.expect = Expect::List,
            Expect::Term if frame.negated && keyword("in") => frame.expect = Expect::List,
            Expect::AfterTerm if frame.field.is_some() && keyword("between") => {
                frame.expect = Expect::Value;
                frame.between = true;
            }
            Expect::AfterTerm if frame.field.is_some() && (keyword("like") || keyword("contains")) => {
                frame.expect = Expect::Value;
            }
            Expect::AfterTerm if !frame.term.is_empty() && keyword("tz") => frame.expect = Expect::Zone,
            Expect::AfterTerm if frame.name == "context" && keyword("by") => {
                frame.expect = Expect::Field;
                frame.by = true;
            }
            Expect::BetweenAnd if keyword("and") => frame.expect = Expect::Value,
            Expect::Term | Expect::AfterTerm => token = self.term_word(word, called, compared),
            Expect::Value if called => {
                frame.call = true;
                frame.field = Some(folded);
                token = Token::Function;
            }
            expect => {
                let kind = literal::of_word(word).kind;
                token = match (expect, kind) {
                    (Expect::Value, LiteralKind::Word | LiteralKind::Bool(_))
                    | (Expect::Time | Expect::Zone, _) => Token::Value,
                    (Expect::Value, _) | (Expect::Duration, LiteralKind::Duration(_)) => Token::Number,
                    (Expect::Number, LiteralKind::Number(_) | LiteralKind::Percent(_)) => Token::Number,
                    _ => Token::Wrong,
                };
                frame.ended();
            }
        }
        self.push(length, token, Shape::Word);
    }

    /// A word where a condition can start.
    fn term_word(&mut self, word: &str, called: bool, compared: bool) -> Token {
        let frame = self.frame();
        frame.negated = false;
        frame.term = "";
        if !compared && !called && is_keyword(word, "not") {
            frame.expect = Expect::Term;
            frame.field = None;
            return Token::Keyword;
        }
        let term = words::TERM_KEYWORDS.iter().find(|keyword| is_keyword(word, keyword));
        if let Some(term) = term
            && !compared
            && !called
        {
            frame.field = None;
            frame.term = if *term == "missing" { "exists" } else { term };
            frame.expect = match *term {
                "exists" | "missing" => Expect::Field,
                "last" => Expect::Duration,
                _ => Expect::Time,
            };
            return Token::Keyword;
        }
        frame.field = Some(word.to_owned());
        if called {
            frame.call = true;
            frame.expect = Expect::Term;
            return Token::Function;
        }
        frame.expect = Expect::AfterTerm;
        if compared && lexical::is_identifier_text(word) { Token::Field } else { Token::Value }
    }

    /// A word of an expression or of a stage.
    fn expression_word(&mut self, word: &'t str) {
        let folded = word.to_ascii_lowercase();
        let following = lexical::space(self.text, &self.rest()[word.len()..]);
        let called = following.starts_with('(');
        let expect = self.top().expect;
        let token = match expect {
            Expect::Stage => self.stage(&folded),
            Expect::NewName => {
                self.frame().ended();
                Token::Field
            }
            Expect::Operand | Expect::Aggregate if called && !is_keyword(word, "by") => {
                let frame = self.frame();
                frame.call = true;
                frame.field = Some(folded);
                Token::Function
            }
            Expect::Operand if words::CONSTANTS.iter().any(|constant| is_keyword(word, constant)) => {
                self.frame().ended();
                Token::Value
            }
            _ if self.clause(&folded, word) => Token::Keyword,
            Expect::Operand | Expect::Field => {
                self.named(word.to_owned());
                Token::Field
            }
            Expect::Aggregate => Token::Function,
            _ => Token::Wrong,
        };
        self.push(word.len(), token, Shape::Word);
    }

    /// A stage's name, and what it starts with.
    fn stage(&mut self, name: &str) -> Token {
        let frame = self.frame();
        frame.name = name.to_owned();
        frame.expect = match name {
            "where" => Expect::Term,
            "fields" | "sort" | "distinct" | "prev" | "next" | "delta" => Expect::Operand,
            "bin" | "histogram" => {
                frame.call = true;
                frame.field = Some(name.to_owned());
                Expect::Operand
            }
            "extend" => Expect::NewName,
            "head" | "limit" | "tail" | "top" | "sample" => Expect::Number,
            "stats" => Expect::Aggregate,
            "timeline" | "context" => Expect::Duration,
            "sessions" | "lifecycle" => Expect::Clause,
            "related" => Expect::Field,
            "asof" | "join" => Expect::Query,
            "tz" => Expect::Zone,
            _ => Expect::End,
        };
        if words::has(words::STAGES, name) { Token::Stage } else { Token::Wrong }
    }

    /// Whether a word is a keyword of the stage or of the aggregate here; then it is taken as one.
    fn clause(&mut self, folded: &str, word: &str) -> bool {
        if !is_keyword(word, folded) {
            return false;
        }
        let frame = self.frame();
        let after = matches!(
            frame.expect,
            Expect::AfterOperand | Expect::Clause | Expect::AfterField | Expect::Duration
        );
        let in_query = frame.bracket == Bracket::Query;
        frame.expect = match (folded, frame.name.as_str()) {
            ("where", _) if frame.bracket == Bracket::Call => Expect::Term,
            ("where", "context") if after => Expect::Term,
            ("as", _) if in_query && frame.expect == Expect::AfterOperand => {
                frame.expect = Expect::NewName;
                // The name of an `extend` comes first; this one comes last.
                return frame.name != "extend";
            }
            ("by", "top") if after => Expect::Aggregate,
            ("by", "asof" | "context") if after => Expect::Field,
            ("by", "stats" | "timeline" | "prev" | "next" | "delta" | "sessions") if in_query && after => {
                Expect::Operand
            }
            ("asc" | "desc", "sort") if after => Expect::AfterOperand,
            ("tz", "timeline") if after => Expect::Zone,
            ("within", "asof") | ("maxspan" | "maxpause", "sessions") if after => Expect::Duration,
            ("on", "join") if after => Expect::Field,
            ("of", "lifecycle") if after && !frame.by => {
                frame.by = true;
                Expect::Clause
            }
            ("rows", "lifecycle") if after && frame.by => Expect::End,
            ("left", "join") if frame.expect == Expect::Query => Expect::Query,
            ("except", "fields") if frame.expect == Expect::Operand => Expect::Field,
            _ => return false,
        };
        frame.by |= matches!(folded, "by" | "on" | "except");
        true
    }
}
