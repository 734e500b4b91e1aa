//! What of the tests is run by hand.

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// The whole system from outside.
#[derive(Parser)]
struct Command {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Sim(tests::sim::command::Sim),
}

fn main() -> ExitCode {
    match Command::parse().verb {
        Verb::Sim(sim) => sim.run(),
    }
}
