//! A POST of the alert as JSON.

use std::time::Duration;

/// Posts it once; any answer but a status of 2xx is a failure.
pub(super) fn post(url: &str, json: &str, timeout: Duration) -> Result<(), String> {
    // A new connection each time: alerts are rare, and a server may close an idle one.
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(timeout))
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .user_agent(concat!("blotter/", env!("CARGO_PKG_VERSION")))
        .build()
        .into();
    let posted = agent.post(url).header("content-type", "application/json").send(json);
    let response = posted.map_err(|error| format!("cannot post to {url}: {error}"))?;
    if response.status().is_success() { Ok(()) } else { Err(format!("{url} answered {}", response.status())) }
}
