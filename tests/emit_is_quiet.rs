//! An emit allocates nothing and asks nothing of the operating system.
//!
//! Allocations are counted by the allocator, per thread. System calls are forbidden: the emitting thread of a
//! child process installs a filter under which the kernel kills the process at any system call, futex calls
//! included, and then records a million events. That it kills is shown first, by a child that makes one.
#![allow(clippy::unwrap_used)] // in a test a panic is the failure report

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use blotter::event::{Category, Level, OrderStatus, Side, dec};
use blotter::{Db, Emit, Recorder, RecorderOptions};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    ALLOCATIONS.with(|allocations| allocations.set(allocations.get() + 1));
}

// SAFETY: every call goes to the system's allocator as it came; the count is a thread-local of plain data, made
// at compile time and without a destructor, so counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise is the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, bytes) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count();
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A whole order event, with ids from the caller; every eighth in a scope, with a formatted message, and every
/// eighth of a category that is not recorded.
#[inline(never)]
fn emit_one(recorder: &mut Recorder, number: u64) -> Emit {
    const IDS: [&str; 4] =
        ["20260105-00000001", "20260105-00000002", "20260105-00000003", "20260105-00000004"];
    let order_id = IDS[number as usize % IDS.len()];
    match number % 8 {
        0 => {
            let mut trace = recorder.trace("momentum_0123456789ab");
            trace
                .order(OrderStatus::Filled)
                .order_id(order_id)
                .symbol("AAPL")
                .fill_price(dec!(150.25))
                .fill_quantity(number as i64)
                .message_fmt(format_args!("filled {number} of {order_id} at {}", dec!(150.25)))
                .field_fmt("path", format_args!("{}/{number}", order_id))
                .emit()
        }
        1 => recorder.event(Category::MARKET_DATA, Level::Trace, "tick").symbol("AAPL").emit(),
        _ => recorder
            .order(OrderStatus::Submitted)
            .order_id(order_id)
            .correlation_id("momentum_0123456789ab")
            .symbol("AAPL")
            .side(Side::Buy)
            .price(dec!(150.25))
            .quantity(100 + number as i64)
            .latency_us(35)
            .field("venue", "XNAS")
            .field("ratio", 0.5)
            .message("order submitted")
            .emit(),
    }
}

fn is_as_expected(number: u64, emitted: &Emit) -> bool {
    if number % 8 == 1 { *emitted == Emit::Disabled } else { emitted.is_accepted() }
}

fn open(dir: &std::path::Path) -> Db {
    let options = blotter::Options::new().levels("trace,market_data=debug");
    options.open(dir.join("desk.blotter")).unwrap()
}

#[test]
fn an_emit_allocates_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    let mut recorder = db.recorder(RecorderOptions::new().strategy("momentum").service("oms")).unwrap();
    let before = ALLOCATIONS.get();
    drop(std::hint::black_box(Box::new(1)));
    assert_eq!(ALLOCATIONS.get() - before, 2, "the allocator counts");
    let mut allocations = 0;
    for batch in 0..100 {
        let before = ALLOCATIONS.get();
        for number in batch * 1000..(batch + 1) * 1000 {
            let emitted = emit_one(&mut recorder, number);
            assert!(is_as_expected(number, &emitted), "{number}: {emitted:?}");
        }
        allocations += ALLOCATIONS.get() - before;
        // Room for the next, whatever else the machine does.
        db.flush().unwrap();
    }
    assert_eq!(allocations, 0);
}

/// Following an order takes one block of memory, when it is created, and gives it back when it is forgotten, here at its
/// end; the tables grow now and then.
#[test]
fn following_an_order_allocates_once() {
    const ORDERS: usize = 1_000;
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    let mut recorder = db.recorder(RecorderOptions::new().strategy("momentum")).unwrap();
    let options = blotter::OrderTrackerOptions { ended_max: 0, ..Default::default() };
    let mut orders = recorder.order_tracker_with(options);
    let new = blotter::NewOrder::new("AAPL", Side::Buy, 100).limit(dec!(150.25));
    let ids: Vec<String> = (0..ORDERS).map(|number| format!("20260105-{number:08}")).collect();
    // Twice: the second time there is room for all.
    for round in 0..2 {
        let before = ALLOCATIONS.get();
        for id in &ids {
            assert!(orders.created(&mut recorder, id, &new).emit().is_accepted());
        }
        let creating = ALLOCATIONS.get() - before;
        let before = ALLOCATIONS.get();
        for id in &ids {
            orders.submitted(&mut recorder, id).emit();
            orders.acknowledged(&mut recorder, id, "XN-77").emit();
            orders.fill(&mut recorder, id, dec!(150.26), 60, dec!(0.21)).emit();
            assert!(orders.fill(&mut recorder, id, dec!(150.25), 40, dec!(0.14)).emit().is_accepted());
        }
        let stepping = ALLOCATIONS.get() - before;
        if round == 1 {
            assert_eq!((creating, stepping), (ORDERS as u64, ORDERS as u64));
        }
        // Room for the next, whatever else the machine does.
        db.flush().unwrap();
    }
    assert_eq!(orders.statistics().not_recorded, 0);
}

#[cfg(not(target_os = "linux"))]
#[test]
fn an_emit_makes_no_system_call() {
    println!("not shown here: filters of system calls are a feature of Linux");
}

#[cfg(target_os = "linux")]
mod system_calls {
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Command, ExitStatus};
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    const ROLE: &str = "BLOTTER_QUIET_TEST_ROLE";
    const DIRECTORY: &str = "BLOTTER_QUIET_TEST_DIRECTORY";
    const EVENTS: u64 = 1_000_000;
    /// Of these events, a ring of the default size holds twice as many.
    const EVENTS_AT_ONCE: u64 = 8_000;

    #[test]
    fn an_emit_makes_no_system_call() {
        let call = run_child("call");
        assert_eq!(call.signal(), Some(libc::SIGSYS), "the filter kills: {call}");
        let emit = run_child("emit");
        assert!(emit.success(), "an emit made a system call, or was not accepted: {emit}");
    }

    /// Runs the test below in a process of its own.
    fn run_child(role: &str) -> ExitStatus {
        let dir = tempfile::tempdir().unwrap();
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "system_calls::child", "--nocapture", "--test-threads=1"])
            .env(ROLE, role)
            .env(DIRECTORY, dir.path())
            .status()
            .unwrap();
        // Takes over the ring that a killed child leaves, which would stay in shared memory otherwise.
        drop(open(dir.path()));
        status
    }

    /// Does nothing by itself; started by the test above, it becomes the process in which calls kill.
    #[test]
    fn child() {
        let (Ok(role), Ok(dir)) = (std::env::var(ROLE), std::env::var(DIRECTORY)) else { return };
        let db = open(dir.as_ref());
        let mut recorder = db.recorder(RecorderOptions::new().strategy("momentum").service("oms")).unwrap();
        let (allowed, done) = (AtomicU64::new(0), AtomicU64::new(0));
        let refused = AtomicU64::new(u64::MAX);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                // What is lazy in the process, the clock's calibration say, is not an emit's.
                emit_one(&mut recorder, 2);
                forbid_system_calls();
                if role == "call" {
                    // SAFETY: it takes nothing and gives a number; here it ends the process.
                    unsafe { libc::getppid() };
                }
                for number in 0..EVENTS {
                    while number >= allowed.load(Ordering::Acquire) {
                        std::hint::spin_loop();
                    }
                    let emitted = emit_one(&mut recorder, number);
                    if !is_as_expected(number, &emitted) {
                        refused.store(number, Ordering::Release);
                        std::mem::forget(emitted);
                    }
                    done.store(number + 1, Ordering::Release);
                }
                // Even ending the thread is a system call: the process ends from outside.
                loop {
                    std::hint::spin_loop();
                }
            });
            while done.load(Ordering::Acquire) < EVENTS {
                if done.load(Ordering::Acquire) == allowed.load(Ordering::Acquire) {
                    db.flush().unwrap();
                    allowed.fetch_add(EVENTS_AT_ONCE, Ordering::AcqRel);
                }
                std::thread::yield_now();
            }
            db.flush().unwrap();
            // One event came before the filter; of eight, seven are recorded.
            let recorded = db.statistics().next_seq.0;
            let is_right = recorded == 1 + EVENTS / 8 * 7 && refused.load(Ordering::Acquire) == u64::MAX;
            if !is_right {
                eprintln!("{recorded} events recorded, of which {refused:?} was not accepted");
            }
            std::process::exit(i32::from(!is_right));
        });
    }

    /// From here on, any system call of this thread kills the process with SIGSYS.
    fn forbid_system_calls() {
        // Returns "kill the process", whatever the call.
        let mut program = [libc::sock_filter {
            code: (libc::BPF_RET | libc::BPF_K) as u16,
            jt: 0,
            jf: 0,
            k: libc::SECCOMP_RET_KILL_PROCESS,
        }];
        let filter = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
        // SAFETY: it takes numbers only, and forbids this thread to gain privileges by exec.
        assert_eq!(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }, 0);
        // SAFETY: the program and its descriptor live through the call, which copies them.
        let installed = unsafe {
            libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, std::ptr::from_ref(&filter))
        };
        if installed != 0 {
            panic!("no filter: {}", std::io::Error::last_os_error());
        }
    }
}
