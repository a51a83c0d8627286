//! The file of a watch: TOML, each mistake of it with its line. `docs/alerts.md` is its reference.

use std::time::Duration;

use blotter_engine::event::Level;
use blotter_query::desk::detect::{Config, Key, Mistake, OwnDetector, Reading, Setting, Settings, unknown};
use toml::Spanned;
use toml::de::DeValue;

/// What is watched, and what is done about it.
#[derive(Clone, Debug, PartialEq)]
pub struct WatchConfig {
    /// The detectors.
    pub detect: Config,
    /// Alerts are raised from this level on.
    pub level: Level,
    /// Time for which nothing is said again of the same rule and subject.
    pub cool_down: Duration,
    /// Time that queries of rules look back.
    pub window: Duration,
    /// Time after which queries that do more than count are run again.
    pub every: Duration,
    /// Events recorded while nobody watched that are looked at; of more, the latest.
    pub catch_up_events: u64,
    /// Rules that are not as all others.
    pub rules: Vec<Rule>,
    /// What can be done.
    pub actions: Vec<Action>,
}

/// What is particular to the alerts of one rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its name: that of a detector, or that of its own query.
    pub name: String,
    /// Its own query, which is a detector of that name.
    pub query: Option<OwnDetector>,
    /// As for all, unless given.
    pub cool_down: Option<Duration>,
    /// As for all, unless given.
    pub window: Option<Duration>,
    /// As for all, unless given.
    pub every: Option<Duration>,
    /// Names of actions; all unless given.
    pub actions: Option<Vec<String>>,
}

/// Something that is done about an alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: ActionKind,
    /// How often it is tried.
    pub attempts: u64,
    /// Pause before it is tried again, doubled each time.
    pub back_off: Duration,
    /// Time that it may take, each time.
    pub timeout: Duration,
    /// How many of it may be under way at once.
    pub at_once: u64,
}

/// See [`Action`].
#[derive(Clone, Debug, PartialEq)]
pub enum ActionKind {
    /// An event in the database that is watched.
    Log,
    /// A line on the standard error.
    Stderr,
    /// A program and its arguments, given the alert as JSON on its standard input.
    Command(Vec<String>),
    /// A POST of the alert as JSON to an `http://` address.
    Webhook(String),
}

impl Default for WatchConfig {
    fn default() -> WatchConfig {
        WatchConfig {
            detect: Config::default(),
            level: Level::Warn,
            cool_down: Duration::from_secs(300),
            window: Duration::from_secs(60),
            every: Duration::from_secs(10),
            catch_up_events: 10_000_000,
            rules: Vec::new(),
            actions: Vec::new(),
        }
    }
}

const WATCH_KEYS: [&str; 5] = ["level", "cool_down", "window", "every", "catch_up_events"];
const RULE_KEYS: [&str; 7] = ["query", "threshold", "level", "cool_down", "window", "every", "actions"];
const ACTION_KEYS: [&str; 7] = ["kind", "command", "url", "attempts", "back_off", "timeout", "at_once"];
const ACTION_KINDS: [&str; 4] = ["log", "stderr", "command", "webhook"];

impl WatchConfig {
    /// Reads a file.
    ///
    /// # Errors
    /// All that is wrong with it, in the order of lines.
    pub fn parse(text: &str) -> Result<WatchConfig, Vec<Mistake>> {
        let (mut reading, document) = Reading::begin(text);
        let mut config = WatchConfig::default();
        // Names of actions in rules, which may stand above them.
        let mut named = Vec::new();
        if reading.mistakes.is_empty() {
            for (name, value) in document.get_ref() {
                config.read_table(&mut reading, name, value, &mut named);
            }
            config.check_names(&mut reading, &named);
        }
        reading.end(config)
    }

    fn read_table(
        &mut self,
        reading: &mut Reading<'_>,
        name: &Key<'_>,
        value: &Spanned<DeValue<'_>>,
        named: &mut Vec<(usize, Name)>,
    ) {
        match name.get_ref().as_ref() {
            "watch" => {
                for (key, value) in reading.table("watch", value).into_iter().flatten() {
                    self.read_watch(reading, key, value);
                }
            }
            "rules" => {
                for (name, value) in reading.table("rules", value).into_iter().flatten() {
                    self.read_rule(reading, name, value, named);
                }
            }
            "actions" => {
                for (name, value) in reading.table("actions", value).into_iter().flatten() {
                    self.read_action(reading, name, value);
                }
            }
            other => {
                if !self.detect.read_table(reading, name, value) {
                    let known = ["detectors", "define", "watch", "rules", "actions"];
                    reading.mistake(name.span().start, unknown("table", other, &known));
                }
            }
        }
    }

    fn read_watch(&mut self, reading: &mut Reading<'_>, key: &Key<'_>, value: &Spanned<DeValue<'_>>) {
        match key.get_ref().as_ref() {
            "level" => set(&mut self.level, reading.value(value)),
            "cool_down" => set(&mut self.cool_down, reading.value(value)),
            "window" => set(&mut self.window, reading.value(value)),
            "every" => set(&mut self.every, reading.value(value)),
            "catch_up_events" => set(&mut self.catch_up_events, reading.value(value)),
            other => reading.mistake(key.span().start, unknown("setting", other, &WATCH_KEYS)),
        }
    }

    fn read_rule(
        &mut self,
        reading: &mut Reading<'_>,
        name: &Key<'_>,
        value: &Spanned<DeValue<'_>>,
        named: &mut Vec<(usize, Name)>,
    ) {
        let at = name.span().start;
        let mut rule = Rule {
            name: name.get_ref().to_string(),
            query: None,
            cool_down: None,
            window: None,
            every: None,
            actions: None,
        };
        let (mut query, mut threshold, mut level) = (None::<String>, String::new(), None);
        let table = format!("rules.{}", rule.name);
        for (key, value) in reading.table(&table, value).into_iter().flatten() {
            match key.get_ref().as_ref() {
                "query" => query = reading.value(value),
                "threshold" => set(&mut threshold, reading.value(value)),
                "level" => level = reading.value(value),
                "cool_down" => rule.cool_down = reading.value(value),
                "window" => rule.window = reading.value(value),
                "every" => rule.every = reading.value(value),
                "actions" => {
                    rule.actions = reading.value(value);
                    for action in rule.actions.iter().flatten() {
                        named.push((value.span().start, Name::Action(action.clone())));
                    }
                }
                other => reading.mistake(key.span().start, unknown("setting", other, &RULE_KEYS)),
            }
        }
        match query.map(|query| OwnDetector::new(&rule.name, &query, &threshold)) {
            Some(Ok(own)) => rule.query = Some(OwnDetector { level: level.unwrap_or(own.level), ..own }),
            Some(Err(error)) => reading.mistake(at, error.to_string()),
            None => {
                if level.is_some() || !threshold.is_empty() {
                    reading.mistake(
                        at,
                        "level and threshold are those of a query; those of a detector stand in its own table",
                    );
                }
                named.push((at, Name::Detector(rule.name.clone())));
            }
        }
        self.rules.push(rule);
    }

    fn read_action(&mut self, reading: &mut Reading<'_>, name: &Key<'_>, value: &Spanned<DeValue<'_>>) {
        let at = name.span().start;
        let mut action = Action::new(name.get_ref(), ActionKind::Stderr);
        let (mut kind, mut command, mut url) = (None::<String>, None::<Vec<String>>, None::<String>);
        let mut attempts = None;
        let table = format!("actions.{}", action.name);
        for (key, value) in reading.table(&table, value).into_iter().flatten() {
            match key.get_ref().as_ref() {
                "kind" => kind = reading.value(value),
                "command" => command = reading.value(value),
                "url" => url = reading.value(value),
                "attempts" => attempts = reading.value(value),
                "back_off" => set(&mut action.back_off, reading.value(value)),
                "timeout" => set(&mut action.timeout, reading.value(value)),
                "at_once" => set(&mut action.at_once, reading.value(value)),
                other => reading.mistake(key.span().start, unknown("setting", other, &ACTION_KEYS)),
            }
        }
        let kind = match (kind.as_deref(), command, url) {
            (Some("log"), None, None) => Ok(ActionKind::Log),
            (Some("stderr"), None, None) => Ok(ActionKind::Stderr),
            (Some("command"), Some(command), None)
                if command.first().is_some_and(|word| !word.is_empty()) =>
            {
                Ok(ActionKind::Command(command))
            }
            (Some("command"), ..) => {
                Err("write command = [\"/usr/bin/program\", \"argument\"], and no url".to_owned())
            }
            (Some("webhook"), None, Some(url)) if is_http(&url) => Ok(ActionKind::Webhook(url)),
            (Some("webhook"), ..) => {
                Err("write url = \"http://host:port/path\", and no command; https is not \
                                          spoken: have a proxy on this machine do that"
                    .to_owned())
            }
            (Some("log" | "stderr"), ..) => Err("command and url belong to other kinds".to_owned()),
            (Some(other), ..) => Err(unknown("kind of action", other, &ACTION_KINDS)),
            (None, ..) => Err("write kind = \"log\", \"stderr\", \"command\" or \"webhook\"".to_owned()),
        };
        match kind {
            Ok(kind) => {
                action.attempts = attempts.unwrap_or(Action::new("", kind.clone()).attempts);
                action.kind = kind;
                self.actions.push(action);
            }
            Err(reason) => reading.mistake(at, reason),
        }
    }

    fn check_names(&self, reading: &mut Reading<'_>, named: &[(usize, Name)]) {
        let actions: Vec<&str> = self.actions.iter().map(|action| action.name.as_str()).collect();
        let own = self.detect.own.iter().map(|own| own.name.as_str());
        let detectors: Vec<&str> = Settings::NAMES.iter().copied().chain(own).collect();
        for (at, name) in named {
            match name {
                Name::Action(name) if !actions.contains(&name.as_str()) => {
                    reading.mistake(*at, unknown("action", name, &actions));
                }
                Name::Detector(name) if !detectors.contains(&name.as_str()) => {
                    let reason = unknown("detector", name, &detectors);
                    reading.mistake(*at, format!("{reason}; or write the query of the rule"));
                }
                _ => {}
            }
        }
        for rule in self.rules.iter().filter(|rule| rule.query.is_some()) {
            if self.detect.own.iter().any(|own| own.name == rule.name) {
                reading.mistake(0, format!("'{}' is defined twice: in [define] and as a rule", rule.name));
            }
        }
    }

    /// The queries that are watched, with their windows and how often they are run.
    pub(crate) fn queries(&self) -> Vec<(OwnDetector, Duration, Duration)> {
        let defined = self.detect.own.iter().cloned();
        let of_rules = self.rules.iter().filter_map(|rule| rule.query.clone());
        let timed = |own: OwnDetector| {
            let rule = self.rule(&own.name);
            let window = rule.and_then(|rule| rule.window).unwrap_or(self.window);
            let every = rule.and_then(|rule| rule.every).unwrap_or(self.every);
            (own, window, every)
        };
        defined.chain(of_rules).map(timed).collect()
    }

    /// Whether a query of that name is watched.
    pub(crate) fn has_query(&self, name: &str) -> bool {
        let of_rules = self.rules.iter().filter_map(|rule| rule.query.as_ref());
        self.detect.own.iter().chain(of_rules).any(|own| own.name == name)
    }

    /// What is particular to a rule, if anything.
    pub(crate) fn rule(&self, name: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.name == name)
    }
}

/// A name that has to be known.
#[derive(Debug)]
enum Name {
    Action(String),
    Detector(String),
}

impl Action {
    /// An action with what is usual for its kind: what may fail for a moment is tried five times.
    pub fn new(name: &str, kind: ActionKind) -> Action {
        let attempts = if matches!(kind, ActionKind::Webhook(_) | ActionKind::Log) { 5 } else { 1 };
        Action {
            name: name.to_owned(),
            kind,
            attempts,
            back_off: Duration::from_millis(500),
            timeout: Duration::from_secs(10),
            at_once: 2,
        }
    }
}

/// Whether something can be posted there.
fn is_http(url: &str) -> bool {
    let parsed = url.parse::<ureq::http::Uri>();
    parsed
        .is_ok_and(|uri| uri.scheme_str() == Some("http") && uri.host().is_some_and(|host| !host.is_empty()))
}

fn set<T: Setting>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_what_is_watched_and_what_is_done() {
        let text = "[watch]\ncool_down = \"1m\"\nlevel = \"error\"\n[detectors.silence]\nfeed_at_least = \"2s\"\n\
                    [define]\nmany = \"level >= error, count > 100\"\n[rules.silence]\nactions = [\"pager\"]\n\
                    [rules.slow]\nquery = \"latency_us > 1ms\"\nthreshold = \"count > 5\"\nwindow = \"5m\"\n\
                    level = \"critical\"\n[actions.pager]\nkind = \"command\"\ncommand = [\"/bin/pager\", \"-q\"]\n\
                    timeout = \"3s\"\n[actions.hook]\nkind = \"webhook\"\nurl = \"http://127.0.0.1:1/x\"\n";
        let config = WatchConfig::parse(text).unwrap();
        assert_eq!((config.cool_down, config.level), (Duration::from_secs(60), Level::Error));
        assert_eq!(config.detect.settings.silence.feed_at_least, Duration::from_secs(2));
        let queries: Vec<_> = config.queries();
        let names: Vec<&str> = queries.iter().map(|(own, ..)| own.name.as_str()).collect();
        assert_eq!((names, queries[1].0.level), (vec!["many", "slow"], Level::Critical));
        assert_eq!((queries[0].1, queries[1].1), (Duration::from_secs(60), Duration::from_secs(300)));
        let attempts: Vec<u64> = config.actions.iter().map(|action| action.attempts).collect();
        let mut sorted = attempts.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, [1, 5]);
        assert_eq!(config.rule("silence").unwrap().actions, Some(vec!["pager".to_owned()]));
    }

    #[test]
    fn mistakes_have_lines_and_hints() {
        for (text, line, said) in [
            ("[wach]\n", 1, "did you mean 'watch'?"),
            ("[watch]\ncooldown = \"1m\"\n", 2, "did you mean 'cool_down'?"),
            ("[watch]\ncool_down = 60\n", 2, "write a duration in quotes"),
            ("[rules.silense]\n", 1, "did you mean 'silence'?"),
            ("[rules.silence]\nlevel = \"warn\"\n", 1, "stand in its own table"),
            (
                "[rules.silence]\nactions = [\"pagr\"]\n[actions.pager]\nkind = \"stderr\"\n",
                2,
                "did you mean 'pager'?",
            ),
            ("[rules.x]\nquery = \"level >= error\"\n", 1, "the threshold is missing"),
            ("[rules.x]\nquery = \"level >=\"\nthreshold = \"count > 1\"\n", 1, "expected"),
            ("[rules.silence]\nwindw = \"1s\"\n", 2, "did you mean 'window'?"),
            ("[actions.x]\nkind = \"email\"\n", 1, "there are log, stderr, command, webhook"),
            ("[actions.x]\n", 1, "write kind"),
            ("[actions.x]\nkind = \"command\"\n", 1, "write command"),
            ("[actions.x]\nkind = \"command\"\ncommand = []\n", 1, "write command"),
            ("[actions.x]\nkind = \"webhook\"\nurl = \"https://x\"\n", 1, "https is not spoken"),
            ("[actions.x]\nkind = \"webhook\"\nurl = \"http://\"\n", 1, "http://host:port/path"),
            ("[actions.x]\nkind = \"webhook\"\nurl = \"http://:80/\"\n", 1, "http://host:port/path"),
            ("[rules.silence]\nactions = [\"nope\"]\n", 2, "there is no action 'nope'; no action is defined"),
            ("[rules.x]\nquery = \"last 5m\"\nthreshold = \"count > 1\"\n", 1, "is its window"),
            ("[rules.x]\nquery = \"level >= error\"\nthreshold = \"foo > 1\"\n", 1, "no column 'foo' here"),
            ("[actions.x]\nkind = \"log\"\nurl = \"http://x\"\n", 1, "belong to other kinds"),
            ("[actions.x]\nkind = \"stderr\"\ntimeout = \"x\"\n", 3, "write a duration"),
            ("[detectors.silence]\nx = 1\n", 2, "there is no setting 'x'"),
        ] {
            let mistakes = WatchConfig::parse(text).unwrap_err();
            assert!(mistakes[0].line == line && mistakes[0].reason.contains(said), "{text}: {mistakes:?}");
            assert!(mistakes[0].reason.matches("hint: ").count() <= 1, "{text}: {mistakes:?}");
        }
    }
}
