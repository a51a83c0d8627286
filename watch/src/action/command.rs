//! A program that is given the alert on its standard input.

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Pause between two looks whether it has ended.
const LOOK: Duration = Duration::from_millis(10);

/// Runs it to its end, which comes within the timeout: then it and what it started are killed.
pub(super) fn run(words: &[String], json: &str, timeout: Duration, stop: &AtomicBool) -> Result<(), String> {
    let program = &words[0];
    let mut command = Command::new(program);
    command.args(&words[1..]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::inherit());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn().map_err(|error| format!("cannot start {program}: {error}"))?;
    let mut input = child.stdin.take().expect("it is piped");
    let line = format!("{json}\n");
    // On a thread of its own: a program that does not read takes no more than a pipe holds.
    let writer = std::thread::Builder::new().spawn(move || {
        // One that does not want it closes its input.
        drop(input.write_all(line.as_bytes()));
    });
    let outcome = wait(&mut child, program, timeout, stop);
    // The pipe is closed by now at the other end.
    drop(writer.map(std::thread::JoinHandle::join));
    outcome
}

fn wait(child: &mut Child, program: &str, timeout: Duration, stop: &AtomicBool) -> Result<(), String> {
    let began = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(format!("{program} failed: {status}")),
            Ok(None) if began.elapsed() >= timeout || stop.load(Ordering::Acquire) => {
                kill(child);
                return Err(format!("{program} was killed: it had not ended within {timeout:?}"));
            }
            Ok(None) => std::thread::sleep(LOOK),
            Err(error) => {
                kill(child);
                return Err(format!("cannot wait for {program}: {error}"));
            }
        }
    }
}

/// Kills the program and what it started, and waits for it.
fn kill(child: &mut Child) {
    #[cfg(unix)]
    if let Some(group) = rustix::process::Pid::from_raw(child.id() as i32) {
        // It may have ended by itself just now.
        rustix::process::kill_process_group(group, rustix::process::Signal::KILL).unwrap_or_default();
    }
    drop(child.kill());
    drop(child.wait());
}
