//! A real terminal for the program: a pseudo-terminal of a size, keys that are typed into it, and what it has shown.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::run::PATIENCE;

pub(crate) const CTRL_C: &str = "\x03";
pub(crate) const CTRL_D: &str = "\x04";
pub(crate) const TAB: &str = "\t";
pub(crate) const UP: &str = "\x1b[A";

/// Stands in what is shown where the line editor begins to read an entry: it paints its prompt anew at each key, so
/// that a prompt alone says nothing.
pub(crate) const READS: char = '\u{1}';

/// The sequence that it begins with, which makes the terminal mark what is pasted.
const BEGINS_TO_READ: &str = "\x1b[?2004h";

/// See the module. The program ends with it.
pub(crate) struct Terminal {
    child: Child,
    keyboard: File,
    shown: Arc<Mutex<Vec<u8>>>,
    /// How much of what is shown was waited for already.
    seen: usize,
}

impl Terminal {
    /// Starts a program on a terminal of so many columns and rows.
    pub(crate) fn start(command: &mut Command, columns: u16, rows: u16) -> Terminal {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let slave = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
        tcsetwinsize(slave.as_fd(), Winsize { ws_col: columns, ws_row: rows, ws_xpixel: 0, ws_ypixel: 0 })
            .unwrap();
        command
            .env("TERM", "xterm-256color")
            .stdin(Stdio::from(slave.try_clone().unwrap()))
            .stdout(Stdio::from(slave.try_clone().unwrap()))
            .stderr(Stdio::from(slave));
        // SAFETY: between fork and exec the closure makes two system calls, which are safe there, and allocates
        // nothing.
        unsafe {
            command.pre_exec(|| {
                rustix::process::setsid()?;
                rustix::process::ioctl_tiocsctty(rustix::stdio::stdin())?;
                Ok(())
            });
        }
        let child = command.spawn().unwrap();
        // What the program has open of the terminal is its own from here on.
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let keyboard = File::from(master);
        let mut screen = keyboard.try_clone().unwrap();
        let shown = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&shown);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // The end of the program is an error here.
            while let Ok(length @ 1..) = screen.read(&mut bytes) {
                kept.lock().unwrap().extend_from_slice(&bytes[..length]);
            }
        });
        Terminal { child, keyboard, shown, seen: 0 }
    }

    /// Types.
    pub(crate) fn send(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Types a line.
    pub(crate) fn enter(&mut self, line: &str) {
        self.send(line);
        self.send("\r");
    }

    /// Waits until a text is shown after what was waited for before; everything shown up to its end, without
    /// the sequences that colour it or move the cursor.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        let started = Instant::now();
        loop {
            let shown = self.plain();
            if let Some(at) = shown[self.seen..].find(text) {
                let end = self.seen + at + text.len();
                let passed = shown[self.seen..end].to_owned();
                self.seen = end;
                return passed;
            }
            assert!(
                started.elapsed() < PATIENCE,
                "waited in vain for {text:?} after {:?}; raw: {:?}",
                &shown[self.seen..],
                self.raw()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Everything shown, as it came.
    pub(crate) fn raw(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap()).into_owned()
    }

    /// Everything shown, without control sequences and carriage returns. What is shown once stays at its place.
    fn plain(&self) -> String {
        let raw = self.raw();
        let mut plain = String::new();
        let mut rest = raw.as_str();
        while let Some(at) = rest.find('\x1b') {
            plain.push_str(&rest[..at]);
            let Some(end) = end_of_sequence(&rest[at..]) else {
                rest = "";
                break;
            };
            if &rest[at..at + end] == BEGINS_TO_READ {
                plain.push(READS);
            }
            rest = &rest[at + end..];
        }
        // A character may be cut at the end, and come whole with the next bytes.
        plain.push_str(rest.trim_end_matches('\u{fffd}'));
        plain.retain(|c| c != '\r');
        plain
    }

    /// Waits for the end of the program; its exit status.
    #[track_caller]
    pub(crate) fn wait(&mut self) -> i32 {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code().unwrap_or(-1);
            }
            assert!(started.elapsed() < PATIENCE, "the program does not end; raw: {:?}", self.raw());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Bytes of the control sequence that a text begins with, if all of it is there.
fn end_of_sequence(text: &str) -> Option<usize> {
    let after = text.get(1..)?;
    match after.chars().next()? {
        '[' => after[1..].find(|c: char| ('\x40'..='\x7e').contains(&c)).map(|at| at + 3),
        ']' => after.find('\x07').map(|at| at + 2),
        c => Some(1 + c.len_utf8()),
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
