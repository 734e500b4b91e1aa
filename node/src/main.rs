//! The program `gongji`: parse, run, end with an exit code that scripts can rely on.

mod bench;
mod cli;
mod config;
mod demo;
mod places;
mod problem;
mod scratch;

use problem::{Exit, Problem};
use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::run() {
        Ok(exit) => ExitCode::from(exit.code()),
        Err(error) => match error.downcast_ref::<Problem>() {
            Some(problem) => {
                eprintln!("{problem}");
                ExitCode::from(problem.exit)
            }
            // What nobody foresaw is a bug of ours: show the whole chain.
            None => {
                eprintln!("error: {error:#}");
                ExitCode::from(Exit::Bug.code())
            }
        },
    }
}
