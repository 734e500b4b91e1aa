//! The program `gongji`: parse, run, end with an exit code that scripts can rely on.

mod bench;
mod cli;
mod config;
mod demo;
#[cfg(test)]
mod golden;
mod places;
mod problem;
mod scheme;
mod scratch;
mod statement;
mod year;

use problem::{Exit, Problem};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

#[cfg(not(test))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Whether printing failed because nobody reads our output any more.
static READER_GONE: AtomicBool = AtomicBool::new(false);
/// The signal that ends most programs then.
const SIGPIPE: u8 = 13;

fn main() -> ExitCode {
    // Small pages: in huge ones the allocator's heaps, one a thread, take a quarter to three times more memory, and
    // clearing them costs 5 % of the time under load. A kernel without huge pages has nothing to switch off.
    rustix::thread::disable_transparent_huge_pages(true).ok();
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |panic| match reader_gone(panic) {
        true => READER_GONE.store(true, Ordering::Relaxed),
        false => usual(panic),
    }));
    // Unwinding lets children and temporary directories go before the process ends.
    let ran = panic::catch_unwind(AssertUnwindSafe(cli::run));
    let error = match ran {
        Ok(Ok(exit)) => return ExitCode::from(exit.code()),
        Ok(Err(error)) => error,
        // As if the signal had ended it.
        Err(_) if READER_GONE.load(Ordering::Relaxed) => return ExitCode::from(128 + SIGPIPE),
        Err(_) => return ExitCode::from(Exit::Bug.code()),
    };
    match error.downcast_ref::<Problem>() {
        Some(problem) => {
            eprintln!("{problem}");
            ExitCode::from(problem.exit)
        }
        // What nobody foresaw is a bug of ours: show the whole chain.
        None => {
            eprintln!("error: {error:#}");
            ExitCode::from(Exit::Bug.code())
        }
    }
}

/// Whether it is only that nobody reads our output any more, as in `gongji status | head -1`.
fn reader_gone(panic: &PanicHookInfo<'_>) -> bool {
    panic
        .payload_as_str()
        .is_some_and(|text| text.starts_with("failed printing to stdout") && text.contains("Broken pipe"))
}
