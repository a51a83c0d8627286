//! What `.help` says.

use blotter::query::FunctionHelp;

use super::commands::{COMMANDS, wrong};
use crate::args::values::nearest;
use crate::outcome::Failure;

const FILTER: &str = "\
A query is a filter, then stages after | signs. Terms one after the other must all hold; so with `and`;
`or`, `not` and parentheses as usual.

  timeout  \"connection lost\"  reject*      words, a phrase, words that begin so, in the message
  symbol = AMZN   level >= warn             = != < <= > >=; levels are ordered
  latency_us > 1.5ms   size < 64kb          units are understood against the field
  status in (filled, rejected)              also: not in
  price between 10 and 12.5                 both included
  message ~ \"fill.*21\"   symbol !~ \"^A\"     regular expressions
  order_id like \"A-*\"   note contains \"x\"   * any run, ? one character
  exists pnl   missing strategy
  fill_price > {ask}                        another field, or arithmetic, in braces

A comparison with a field that an event lacks is false, != too; `not (status = x)` keeps events without it.
";

const TIME: &str = "\
  last 15m                      since so long ago
  since -2h   until 14:30       at or after, before: relative, time of day, 2026-01-02, 2026-01-02T14:30:00Z
  on 2026-01-02   on today      a day in the zone of the session; `on today tz Asia/Tokyo` in another
  ts >= 2026-01-02T14:30:00Z    comparisons
  time_of_day(ts) between 09:30 and 16:00

`.tz America/New_York` sets the zone of days, bins and times of day.
";

const STAGES: &str = "\
  where FILTER                          keeps rows
  fields a, b as c, {a * 2} as d        these columns; `fields except a, b` all others
  extend x = bid - ask, y = x / ask     adds columns
  sort latency_us desc, symbol          rows without the value come last
  head 10   limit 10   tail 10          the first, the last rows
  distinct symbol, venue                the first row of each combination
  top 10 message                        the most frequent; `top 10 symbol by sum(quantity)`
  sample 1%   sample 100                the same rows each time
  stats count(), avg(price) by symbol   see .help aggregates
  bin(ts, 5m)                           brings a field down to the start of its bin
  histogram(latency_us)                 rows per range of values; a width can follow
  timeline 1m by category               rows per stretch of time, empty ones included
  prev price by symbol                  value of the row before; `next`, `delta`
  sessions by symbol maxpause 30s       stretches of activity; `maxspan 5m`
  related order_id -> correlation_id    every event that shares the value; correlation_id if none is named
  context 5s 5s where level >= warn     events around each row, of the same symbol
  asof (event = quote) by symbol within 5s
                                        the latest row before each, as the quote at a fill
  join (category = risk) on order_id = order_id
  lifecycle                             one row per order: what became of it; `lifecycle of rows` reads no more
  gaps                                  what was lost
  tz America/New_York                   zone of the stages that follow and of the times shown
  explain                               how the query is run, instead of its rows
";

const AGGREGATES: &str = "\
  count()  count(x)  sum(x)  avg(x)  min(x)  max(x)  stddev(x)  median(x)  p99(x)  p99.9(x)
  distinct(x)  first(x)  last(x)  arg_max(x, y)  arg_min(x, y)  rate()

Each takes a condition and a name: count(where status = filled) as filled. Sums of decimals and percentiles are
exact.
";

const KEYS: &str = "\
  Tab        completes stages, functions, fields and values; twice lists what there is
  Right      takes the suggestion from the history
  Up, Down   earlier and later entries; Ctrl-R searches them
  Enter      runs, or goes on with the next line after | and within brackets and quotes
  Ctrl-C     gives up what is typed, or cancels the query
  Ctrl-D     leaves
";

const TOPICS: [(&str, &str); 5] =
    [("filter", FILTER), ("time", TIME), ("stages", STAGES), ("aggregates", AGGREGATES), ("keys", KEYS)];

/// Names of what there is help on.
pub(super) fn topics() -> impl Iterator<Item = &'static str> {
    let functions = blotter::query::functions().map(|function| function.name);
    let commands = COMMANDS.iter().map(|command| command.name);
    TOPICS.iter().map(|(name, _)| *name).chain([FUNCTIONS]).chain(commands).chain(functions)
}

const FUNCTIONS: &str = "functions";

/// Help on a topic, a command, a function, a stage, or everything there is.
///
/// # Errors
/// A topic that there is not.
pub(super) fn on(topic: &str) -> Result<String, Failure> {
    if topic.is_empty() {
        return Ok(overview());
    }
    if let Some((_, text)) = TOPICS.iter().find(|(name, _)| *name == topic) {
        return Ok((*text).to_owned());
    }
    if topic == FUNCTIONS {
        return Ok(blotter::query::functions().map(|function| function_line(&function)).collect());
    }
    if let Some(function) = blotter::query::functions().find(|function| function.name == topic) {
        return Ok(format!("{}  | {}\n", function_line(&function), function.example));
    }
    let is_named = |name: &str| name == topic || name.strip_prefix('.') == Some(topic);
    if let Some(command) = COMMANDS.iter().find(|command| is_named(command.name)) {
        return Ok(format!("{} {}\n  {}\n", command.name, command.takes, command.does));
    }
    let of_stage =
        |line: &&str| line.strip_prefix("  ").and_then(|line| line.split([' ', '(']).next()) == Some(topic);
    if let Some(at) = STAGES.lines().position(|line| of_stage(&line)) {
        // What does not fit beside a stage stands below it.
        let below = STAGES.lines().skip(at + 1).take_while(|line| line.starts_with("   "));
        let lines = STAGES.lines().skip(at).take(1).chain(below);
        return Ok(lines.map(|line| format!("{line}\n")).collect());
    }
    let hint = nearest(topic, topics()).map_or_else(String::new, |hint| format!("; hint: '{hint}'"));
    Err(wrong(format!("there is no help on '{topic}'{hint}")))
}

fn function_line(function: &FunctionHelp) -> String {
    let usage = format!("{}({})", function.name, function.arguments);
    format!("  {usage:<32}{}\n", function.description)
}

fn overview() -> String {
    let mut text =
        String::from("Write a query, as `level >= error last 1h | top 10 message`, or a command:\n\n");
    for command in &COMMANDS {
        let usage = format!("{} {}", command.name, command.takes);
        text.push_str(&format!("  {usage:<24}{}\n", command.does));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_help_on_every_topic_and_command() {
        for topic in topics() {
            assert!(on(topic).unwrap().lines().count() >= 2, "{topic}");
        }
        let overview = on("").unwrap();
        assert!(COMMANDS.iter().all(|command| overview.contains(command.does)));
        assert!(overview.lines().all(|line| line.chars().count() <= 110), "{overview}");
        assert_eq!(on("watch").unwrap(), on(".watch").unwrap());
    }

    #[test]
    fn what_help_shows_can_be_asked() {
        let mut examples = 0;
        for (text, before) in [(FILTER, ""), (TIME, ""), (STAGES, "| "), (AGGREGATES, "| stats ")] {
            for line in
                text.lines().filter_map(|line| line.strip_prefix("  ")).filter(|line| !line.starts_with(' '))
            {
                // Examples stand apart from each other, and from what is said of them.
                let mut parts: Vec<&str> =
                    line.split("   ").map(str::trim).filter(|part| !part.is_empty()).collect();
                if parts.len() > 1 {
                    parts.pop();
                }
                for part in parts {
                    let part = if text == AGGREGATES { part.replace("  ", ", ") } else { part.to_owned() };
                    let query = format!("{before}{part}");
                    blotter::query::syntax::parse(&query)
                        .unwrap_or_else(|error| panic!("{}", error.render(false)));
                    examples += 1;
                }
            }
        }
        assert!(examples > 40, "{examples}");
    }

    #[test]
    fn there_is_help_on_a_single_stage_or_function() {
        assert_eq!(on("gaps").unwrap(), "  gaps                                  what was lost\n");
        assert_eq!(on("asof").unwrap().lines().count(), 2);
        assert!(on("histogram").unwrap().starts_with("  histogram(latency_us)"));
        assert!(on("round").unwrap().starts_with("  round("));
    }

    #[test]
    fn a_topic_that_there_is_not_names_the_nearest() {
        let Err(Failure::Usage(reason)) = on("agregates") else { panic!("no error") };
        assert_eq!(reason, "there is no help on 'agregates'; hint: 'aggregates'");
    }
}
