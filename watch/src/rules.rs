//! From what was found to alerts: levels, cool-downs, and what is not said twice.

use blotter_engine::event::Timestamp;
use blotter_query::desk::detect::{Change, Finding, Phase};

use crate::alert::Alert;
use crate::config::WatchConfig;
use crate::state::{Pending, Raised, State};

/// Rules and subjects whose cool-down is remembered.
const RAISED_MAX: usize = 100_000;
/// Actions that wait at most.
pub(crate) const PENDING_MAX: usize = 10_000;

/// What becomes of changes, each with the time of the stream when it was found: alerts to tell of, with their actions in the state.
pub(crate) fn raise(
    config: &WatchConfig,
    state: &mut State,
    changes: Vec<(Timestamp, Change)>,
    notes: &mut Vec<String>,
) -> Vec<Alert> {
    let mut alerts = Vec::new();
    for (now, Change { phase, finding }) in changes {
        // That it is over is no reason to wake anybody.
        if phase == Phase::Ended || finding.level < config.level {
            continue;
        }
        let Some(suppressed) = admit(config, state, &finding, now) else { continue };
        state.alerts += 1;
        let alert = Alert { number: state.alerts, at: now, finding, suppressed };
        plan_actions(config, state, &alert, notes);
        alerts.push(alert);
    }
    alerts
}

/// Whether it is raised now: then how many were not since the last time.
fn admit(config: &WatchConfig, state: &mut State, finding: &Finding, now: Timestamp) -> Option<u64> {
    let cool_down = |rule: &str| {
        let own = config.rule(rule).and_then(|rule| rule.cool_down);
        i64::try_from(own.unwrap_or(config.cool_down).as_nanos()).unwrap_or(i64::MAX)
    };
    let cool_down_ns = cool_down(&finding.rule);
    let key = finding.key();
    if let Some(raised) = state.raised.get_mut(&key) {
        let since_ns = now.nanos().saturating_sub(raised.at.nanos());
        // A time that lies ahead was of a clock that has gone back.
        if (0..cool_down_ns).contains(&since_ns) {
            raised.suppressed += 1;
            return None;
        }
    }
    if state.raised.len() >= RAISED_MAX {
        // Those that have cooled down and kept nothing back are as if they had never been.
        state.raised.retain(|key, raised| {
            let rule = key.split(' ').next().unwrap_or_default();
            now.nanos().saturating_sub(raised.at.nanos()) < cool_down(rule) || raised.suppressed > 0
        });
        if state.raised.len() >= RAISED_MAX {
            state.raised.pop_first();
        }
    }
    let before = state.raised.insert(key, Raised { at: now, suppressed: 0 });
    Some(before.map_or(0, |before| before.suppressed))
}

fn plan_actions(config: &WatchConfig, state: &mut State, alert: &Alert, notes: &mut Vec<String>) {
    let wanted = config.rule(&alert.finding.rule).and_then(|rule| rule.actions.as_ref());
    let is_wanted = |name: &String| wanted.is_none_or(|wanted| wanted.contains(name));
    for action in config.actions.iter().filter(|action| is_wanted(&action.name)) {
        if state.pending.len() >= PENDING_MAX {
            notes.push(format!(
                "alert {}: {} is not done, since {PENDING_MAX} actions wait already",
                alert.number, action.name
            ));
            continue;
        }
        state.pending.push(Pending {
            alert: alert.number,
            action: action.name.clone(),
            line: alert.to_line(),
            json: alert.to_json(),
            event: alert.to_event(),
        });
    }
}
