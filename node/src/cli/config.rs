//! `gongji config`: settings, checked and shown.

use super::start;
use crate::config::Config;
use crate::config::keys::{KEYS, Kind};
use crate::problem::Exit;
use anyhow::Result;
use std::path::PathBuf;

/// What can be done with settings.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// Checks a settings file without starting anything
    Check {
        /// The file (TOML)
        file: PathBuf,
    },
    /// Shows every setting as `start` would use it
    Show {
        /// Also show where each value comes from
        #[arg(long)]
        origin: bool,
        #[command(flatten)]
        start: start::Args,
    },
}

/// Runs the verb.
pub fn run(verb: Verb) -> Result<Exit> {
    match verb {
        Verb::Check { file } => {
            let config = Config::gather(&[], |_| None, Some(&file))?;
            start::settings(&config)?;
            println!("ok");
        }
        Verb::Show { origin, start } => show(&start.gather()?, origin),
    }
    Ok(Exit::Done)
}

fn show(config: &Config, origin: bool) {
    let width = KEYS.iter().map(|key| key.name.len()).max().unwrap_or(0);
    for key in KEYS {
        let Some(given) = config.given(key.name) else { continue };
        let value = match key.kind {
            Kind::Count => given.text.clone(),
            Kind::Text | Kind::Path | Kind::Address | Kind::Duration | Kind::Size | Kind::Choice(_) => {
                format!("{:?}", given.text)
            }
        };
        match origin {
            true => println!("{:width$} = {value:20} # {}", key.name, given.origin),
            false => println!("{:width$} = {value}", key.name),
        }
    }
}
