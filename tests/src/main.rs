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
    Mutants(tests::mutants::command::Mutants),
    Chaos(tests::chaos::command::Chaos),
    Power(tests::power::Power),
}

fn main() -> ExitCode {
    // What nodes say of themselves, if RUST_LOG asks for it.
    if std::env::var_os("RUST_LOG").is_some() {
        let lines =
            tracing_subscriber::fmt().with_env_filter(tracing_subscriber::EnvFilter::from_default_env());
        lines.without_time().with_ansi(false).with_writer(std::io::stderr).init();
    }
    match Command::parse().verb {
        Verb::Sim(sim) => sim.run(),
        Verb::Mutants(mutants) => mutants.run(),
        Verb::Chaos(chaos) => chaos.run(),
        Verb::Power(power) => power.run(),
    }
}
