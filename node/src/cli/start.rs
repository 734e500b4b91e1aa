//! `gongji start`: runs a node.

use super::block_on;
use crate::config::keys::KEYS;
use crate::config::{Config, misspelt_variables};
use crate::places;
use crate::problem::{Exit, Problem};
use anyhow::Result;
use clap::{Arg, ArgMatches, Command};
use node::clock::Clock;
use node::fault::Fault;
use node::{Node, Settings};
use std::io::Write;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::signal::unix::{SignalKind, signal};

/// What the verb is given.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Settings file (TOML); see node.example.toml
    #[arg(long, value_name = "FILE", env = "GONGJI_CONFIG")]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    pub flags: Flags,
    /// Stop when stdin ends: whoever started this process is gone
    #[arg(long, hide = true)]
    stop_with_stdin: bool,
    /// For tests: a file with the milliseconds that this node's clock is ahead, read again and again
    #[arg(long, hide = true, value_name = "FILE")]
    clock_ahead: Option<PathBuf>,
}

/// Settings given as flags: every key of the table has one.
#[derive(Clone, Debug, Default)]
pub struct Flags(pub Vec<(&'static str, String)>);

/// The names of the flags, in the order of [`KEYS`], with their help.
static FLAGS: LazyLock<Vec<(String, String)>> = LazyLock::new(|| {
    let help = |key: &crate::config::keys::Key| match key.default {
        Some(default) => format!("{} [default: {default}] [env: {}]", key.help, key.variable()),
        None => format!("{} [env: {}]", key.help, key.variable()),
    };
    KEYS.iter().map(|key| (key.flag(), help(key))).collect()
});

impl clap::FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Flags, clap::Error> {
        let given = KEYS.iter().zip(FLAGS.iter()).filter_map(|(key, (flag, _))| {
            matches.get_one::<String>(flag).map(|text| (key.name, text.clone()))
        });
        Ok(Flags(given.collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Flags::from_arg_matches(matches)?;
        Ok(())
    }
}

impl clap::Args for Flags {
    fn augment_args(mut command: Command) -> Command {
        for (key, (flag, help)) in KEYS.iter().zip(FLAGS.iter()) {
            let (flag, help): (&'static str, &'static str) = (flag, help);
            command = command.arg(Arg::new(flag).long(flag).value_name(key.kind.placeholder()).help(help));
        }
        command
    }

    fn augment_args_for_update(command: Command) -> Command {
        Flags::augment_args(command)
    }
}

impl Args {
    /// Flags over environment over file over default.
    pub fn gather(&self) -> Result<Config, Problem> {
        for (name, right) in
            misspelt_variables(std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()))
        {
            eprintln!("warning: {name} is no setting and is ignored; did you mean {right}?");
        }
        Config::gather(&self.flags.0, |name| std::env::var(name).ok(), self.config.as_deref())
    }
}

/// Runs the verb.
pub fn run(args: Args) -> Result<Exit> {
    let config = args.gather()?;
    let settings = settings(&config)?;
    super::log_to_stderr(config.text("log.level"), config.text("log.format") == "json").map_err(
        |problem| {
            Problem::usage(format!("log.level = {}: {problem}", config.text("log.level")))
                .next("--log-level info")
        },
    )?;
    block_on(serve(settings, args.stop_with_stdin, args.clock_ahead))
}

/// What the node is started with.
pub fn settings(config: &Config) -> Result<Settings, Problem> {
    Ok(Settings {
        node: config.node()?,
        data_dir: PathBuf::from(config.needed("data_dir")?),
        listen_peer: config.text("listen.peer").into(),
        listen_api: config.text("listen.api").into(),
        raft: node::raft::handle::RaftSettings {
            heartbeat: config.duration("raft.heartbeat"),
            election: config.duration("raft.election"),
            snapshot_entries: config.count("raft.snapshot_entries"),
            keep_entries: config.count("raft.keep_entries"),
        },
        log: node::raft::log::LogSettings {
            cache_bytes: bytes(config, "raft.log_cache"),
            chunk_bytes: bytes(config, "raft.log_chunk"),
        },
        state: node::state::StateSettings {
            cache_rows: number(config, "state.cache_rows"),
            store_cache_bytes: config.size("state.store_cache"),
            checkpoint_changes: number(config, "state.checkpoint_changes"),
            checkpoint_bytes: bytes(config, "state.checkpoint_size"),
            // While a checkpoint is written the next changes gather; past this they wait for it.
            changes_most: number(config, "state.checkpoint_changes").saturating_mul(4),
            journal_keep_bytes: config.given("state.journal_keep").map(|_| config.size("state.journal_keep")),
            snapshots_kept: number(config, "state.snapshots_kept"),
            ..node::state::StateSettings::default()
        },
        clock: Clock::default(),
        pulse: node::server::PULSE,
    })
}

/// A size of the settings; one that this machine cannot address counts as its largest.
fn bytes(config: &Config, name: &str) -> usize {
    usize::try_from(config.size(name)).unwrap_or(usize::MAX)
}

fn number(config: &Config, name: &str) -> usize {
    usize::try_from(config.count(name)).unwrap_or(usize::MAX)
}

/// Serves until it is told to stop, or until it fails.
async fn serve(settings: Settings, stop_with_stdin: bool, ahead: Option<PathBuf>) -> Result<Exit> {
    if let Some(file) = ahead {
        tokio::spawn(follow(settings.clock.clone(), file));
    }
    // Before the doors open: whoever sees them open may stop the node.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let data_dir = settings.data_dir.clone();
    let node = Node::start(settings).await.map_err(|fault| told(&fault))?;
    let province = places::province(node.id() / 1_000_000).map_or("", |province| province.zh);
    // One line, for people and for scripts that wait for it: the doors are open.
    let mut out = std::io::stdout();
    writeln!(
        out,
        "ready node={} province={province} peers={} clients={} data={}",
        node.id(),
        node.peer_address(),
        node.api_address(),
        data_dir.display()
    )
    .and_then(|()| out.flush())
    // Nobody reads it: that stops nothing.
    .ok();

    let why = tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
        () = stdin_ends(), if stop_with_stdin => "the end of stdin",
        fault = node.failed() => {
            // Nothing more is written: what this node holds is not to be trusted.
            node.kill().await;
            return Err(told(&fault).into());
        }
    };
    tracing::info!(why, "stopping");
    node.shutdown().await;
    tracing::info!("stopped");
    Ok(Exit::Done)
}

/// Sets the clock ahead by what a file says, whenever it says something else.
async fn follow(clock: Clock, file: PathBuf) {
    loop {
        if let Some(ms) =
            tokio::fs::read_to_string(&file).await.ok().and_then(|text| text.trim().parse().ok())
        {
            clock.set_ahead_ms(ms);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn stdin_ends() {
    let mut stdin = tokio::io::stdin();
    let mut bytes = [0_u8; 64];
    while matches!(stdin.read(&mut bytes).await, Ok(read) if read > 0) {}
}

/// A fault, told to the operator with its exit code.
pub fn told(fault: &Fault) -> Problem {
    told_text(&fault.to_string(), fault.exit_code())
}

fn told_text(text: &str, exit: u8) -> Problem {
    let (what, next) = text.split_once("; next: ").unwrap_or((text, ""));
    Problem { exit, what: what.to_owned(), why: Vec::new(), next: next.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_of_the_table_are_those_of_the_node() {
        let flags = [("province", "32".to_owned()), ("data_dir", "/d".to_owned())];
        let config = Config::gather(&flags, |_| None, None).expect("good settings");
        let ours = settings(&config).expect("good settings");
        assert_eq!((ours.node, ours.listen_api.as_str()), (32_000_001, "0.0.0.0:7701"));
        assert_eq!(format!("{:?}", ours.state), format!("{:?}", node::state::StateSettings::default()));
    }

    #[test]
    fn a_fault_is_told_with_its_next_command_and_exit_code() {
        let fault = Fault::InUse { path: "/d".into() };
        let problem = told(&fault);
        assert_eq!(problem.what, "/d is in use by another process");
        assert!(problem.next.starts_with("fuser") && problem.exit == 9, "{problem:?}");
    }
}
