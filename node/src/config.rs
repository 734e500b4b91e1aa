//! The settings of a node: flag over environment over file over default, for every key.

pub mod file;
pub mod keys;
pub mod value;

use crate::problem::{Problem, nearest};
use keys::{KEYS, Key, Kind};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A flag of the command.
    Flag(String),
    /// An environment variable.
    Variable(String),
    /// A line of the settings file.
    File(PathBuf, usize),
    /// The program.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Flag(flag) => write!(f, "--{flag}"),
            Origin::Variable(name) => write!(f, "{name}"),
            Origin::File(path, line) => write!(f, "{} line {line}", path.display()),
            Origin::Default => write!(f, "default"),
        }
    }
}

/// A value and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The value, as it was written.
    pub text: String,
    /// Where it was written.
    pub origin: Origin,
}

/// All settings, each with its origin. Every value has the shape that its key asks for.
#[derive(Clone, Debug)]
pub struct Config {
    values: BTreeMap<&'static str, Given>,
}

impl Config {
    /// Puts the layers together.
    ///
    /// # Errors
    /// The first value that does not fit, with its origin.
    pub fn gather(
        flags: &[(&'static str, String)],
        variable: impl Fn(&str) -> Option<String>,
        file: Option<&Path>,
    ) -> Result<Config, Problem> {
        let mut values = BTreeMap::new();
        for key in KEYS {
            if let Some(text) = key.default {
                values.insert(key.name, Given { text: text.into(), origin: Origin::Default });
            }
        }
        if let Some(path) = file {
            for line in file::read(path)? {
                values.insert(
                    line.name,
                    Given { text: line.text, origin: Origin::File(path.into(), line.line) },
                );
            }
        }
        for key in KEYS {
            if let Some(text) = variable(&key.variable()) {
                values.insert(key.name, Given { text, origin: Origin::Variable(key.variable()) });
            }
        }
        for (name, text) in flags {
            let flag = name.replace(['.', '_'], "-");
            values.insert(name, Given { text: text.clone(), origin: Origin::Flag(flag) });
        }
        let config = Config { values };
        config.check()?;
        Ok(config)
    }

    /// A value, and where it comes from.
    pub fn given(&self, name: &str) -> Option<&Given> {
        self.values.get(name)
    }

    fn check(&self) -> Result<(), Problem> {
        for key in KEYS {
            if let Some(given) = self.given(key.name) {
                fits(key, &given.text).map_err(|what| self.wrong(key.name, &what))?;
            }
        }
        let (heartbeat, election) = (self.duration("raft.heartbeat"), self.duration("raft.election"));
        if heartbeat.is_zero() {
            return Err(self.wrong("raft.heartbeat", "must be longer than 0"));
        }
        if election < heartbeat * 2 {
            return Err(self.wrong("raft.election", "must be at least twice raft.heartbeat"));
        }
        if self.size("raft.log_chunk") < 1 << 20 {
            return Err(self.wrong("raft.log_chunk", "must be at least 1MiB"));
        }
        let least =
            [("raft.snapshot_entries", 1), ("state.checkpoint_changes", 1_000), ("state.snapshots_kept", 2)];
        for (name, least) in least {
            if self.count(name) < least {
                return Err(self.wrong(name, &format!("must be at least {least}")));
            }
        }
        if self.given("node").is_some() || self.given("province").is_some() {
            self.node()?;
        }
        Ok(())
    }

    /// The node's id.
    ///
    /// # Errors
    /// None was given, or parts of it contradict one another.
    pub fn node(&self) -> Result<u64, Problem> {
        let number = |name: &str| self.given(name).map(|_| self.count(name));
        let id = match (number("node"), number("province"), number("incarnation")) {
            (Some(id), province, incarnation) => {
                if province.is_some_and(|province| province != id / 1_000_000) {
                    return Err(
                        self.wrong("province", "is not the province of the node id that is given too")
                    );
                }
                if incarnation.is_some_and(|incarnation| incarnation != id % 1_000_000) {
                    return Err(self.wrong("incarnation", "is not that of the node id that is given too"));
                }
                id
            }
            (None, Some(province), incarnation) => {
                let incarnation = incarnation.unwrap_or(1);
                if incarnation == 0 || incarnation > 999_999 {
                    return Err(self.wrong("incarnation", "must be from 1 to 999999"));
                }
                province.saturating_mul(1_000_000).saturating_add(incarnation)
            }
            (None, None, _) => {
                return Err(Problem::usage("the node has no id: give its province")
                    .next("gongji start --province 32 --data-dir DIR"));
            }
        };
        let name = if self.given("node").is_some() { "node" } else { "province" };
        if node_province(id).is_none() {
            let what = format!("{} is not a province code (11, 12 … 65, 66)", id / 1_000_000);
            return Err(self.wrong(name, &what));
        }
        if id.is_multiple_of(1_000_000) {
            return Err(self.wrong(name, "the last six digits, the incarnation, must be from 1"));
        }
        Ok(id)
    }

    /// A value that must be there.
    ///
    /// # Errors
    /// It is not.
    pub fn needed(&self, name: &'static str) -> Result<&str, Problem> {
        self.given(name).map(|given| given.text.as_str()).ok_or_else(|| {
            let key = keys::find(name).expect("only keys of the table are asked for");
            Problem::usage(format!("{name} is not set")).because(key.help).next(format!(
                "--{} {}, or {}, or {name} in the settings file",
                key.flag(),
                key.kind.placeholder(),
                key.variable()
            ))
        })
    }

    /// A text that has a default.
    pub fn text(&self, name: &str) -> &str {
        self.given(name).map_or("", |given| given.text.as_str())
    }

    /// A number that has a default; its shape was checked.
    pub fn count(&self, name: &str) -> u64 {
        value::count(self.text(name)).unwrap_or_default()
    }

    /// A duration that has a default; its shape was checked.
    pub fn duration(&self, name: &str) -> Duration {
        value::duration(self.text(name)).unwrap_or_default()
    }

    /// A size that has a default; its shape was checked.
    pub fn size(&self, name: &str) -> u64 {
        value::size(self.text(name)).unwrap_or_default()
    }

    fn wrong(&self, name: &str, what: &str) -> Problem {
        match self.given(name) {
            Some(given) => Problem::usage(format!("{name} = {}: {what}", given.text))
                .because(format!("given by {}", given.origin)),
            None => Problem::usage(format!("{name}: {what}")),
        }
        .next("gongji config show --origin")
    }
}

/// The province of a node id, when it is one.
pub fn node_province(node: u64) -> Option<crate::places::Province> {
    crate::places::province(node / 1_000_000)
}

/// Variables of the environment that look like misspelt settings, each with the one that was probably meant. They are
/// only worth a warning: orchestrators set variables of their own with the name of a service in front.
pub fn misspelt_variables(names: impl Iterator<Item = String>) -> Vec<(String, String)> {
    let known: Vec<String> =
        KEYS.iter().map(Key::variable).chain(["GONGJI_CONFIG".into(), "GONGJI_ADDR".into()]).collect();
    names
        .filter(|name| name.starts_with("GONGJI_") && !known.contains(name))
        .filter_map(|name| {
            let right = nearest(&name, known.iter().map(String::as_str)).map(str::to_owned)?;
            (strsim::levenshtein(&name, &right) <= 2).then_some((name, right))
        })
        .collect()
}

fn fits(key: &Key, text: &str) -> Result<(), String> {
    match key.kind {
        Kind::Text | Kind::Path if text.is_empty() => Err("is empty".into()),
        Kind::Text | Kind::Path => Ok(()),
        Kind::Address => match text.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => Ok(()),
            _ => Err("is not an address; write it like 0.0.0.0:7701".into()),
        },
        Kind::Count => value::count(text).map(drop),
        Kind::Duration => value::duration(text).map(drop),
        Kind::Size => value::size(text).map(drop),
        Kind::Choice(words) if words.contains(&text) => Ok(()),
        Kind::Choice(words) => Err(match nearest(text, words.iter().copied()) {
            Some(word) => format!("did you mean {word}?"),
            None => format!("must be one of {}", words.join(", ")),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn none(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn a_flag_stands_over_the_environment_over_the_file_over_the_default() {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(b"province = 32\n[raft]\nelection = \"3s\"\nheartbeat = \"1s\"\nkeep_entries = 5\n")
            .expect("written");
        let variable = |name: &str| match name {
            "GONGJI_RAFT_ELECTION" => Some("4s".to_owned()),
            "GONGJI_RAFT_HEARTBEAT" => Some("300ms".to_owned()),
            _ => None,
        };
        let flags = [("raft.heartbeat", "200ms".to_owned())];
        let config = Config::gather(&flags, variable, Some(file.path())).expect("good settings");
        let origin = |name: &str| config.given(name).map(|given| given.origin.clone());
        assert_eq!(config.duration("raft.heartbeat"), Duration::from_millis(200));
        assert_eq!(origin("raft.heartbeat"), Some(Origin::Flag("raft-heartbeat".into())));
        assert_eq!(origin("raft.election"), Some(Origin::Variable("GONGJI_RAFT_ELECTION".into())));
        assert_eq!(origin("raft.keep_entries"), Some(Origin::File(file.path().into(), 5)));
        assert_eq!(origin("listen.api"), Some(Origin::Default));
        assert_eq!(config.node().map_err(|p| p.to_string()), Ok(32_000_001));
    }

    #[test]
    fn a_wrong_value_names_its_origin() {
        for (name, text) in [
            ("raft.heartbeat", "fast"),
            ("raft.heartbeat", "0s"),
            ("raft.election", "600ms"),
            ("raft.log_cache", "64"),
            ("listen.api", "7701"),
            ("listen.api", "host:99999"),
            ("log.format", "jsno"),
            ("province", "99"),
            ("province", "-1"),
            ("node", "32"),
            ("node", "32000000"),
            ("node", "18446744073709551616"),
            ("data_dir", ""),
        ] {
            let problem = Config::gather(&[(name, text.to_owned())], none, None).unwrap_err();
            let origin = format!("given by --{}", name.replace(['.', '_'], "-"));
            assert!(problem.why.contains(&origin), "{name}={text}: {problem}");
            assert!(problem.what.starts_with(name), "{problem}");
        }
    }

    #[test]
    fn an_id_and_its_parts_must_agree() {
        let both = |province: &str| {
            Config::gather(&[("node", "32000002".into()), ("province", province.into())], none, None)
                .map(|c| c.node())
        };
        assert_eq!(both("32").map(|id| id.ok()).ok().flatten(), Some(32_000_002));
        assert!(both("41").is_err());
    }

    #[test]
    fn misspelt_variables_are_noticed_and_foreign_ones_are_not() {
        let names = ["GONGJI_RAFT_HEARBEAT", "GONGJI_SERVICE_HOST", "GONGJI_ADDR", "PATH"].map(String::from);
        let found = misspelt_variables(names.into_iter());
        assert_eq!(found, [("GONGJI_RAFT_HEARBEAT".to_owned(), "GONGJI_RAFT_HEARTBEAT".to_owned())]);
    }

    #[test]
    fn the_example_file_names_every_setting_with_its_default() {
        let text = include_str!("../node.example.toml");
        let shown = file::parse(text, "node.example.toml").expect("the example is good");
        let in_comments =
            file::parse(&uncommented(text), "node.example.toml").expect("its comments are good too");
        for key in KEYS {
            let line = shown.iter().chain(&in_comments).find(|line| line.name == key.name);
            let line = line.unwrap_or_else(|| panic!("{} is missing", key.name));
            if let Some(default) = key.default {
                assert_eq!(line.text, default, "{}", key.name);
            }
        }
    }

    /// The example with its commented-out settings switched on.
    fn uncommented(text: &str) -> String {
        text.lines()
            .map(|line| match line.strip_prefix('#') {
                Some(setting) if setting.starts_with(|c: char| c.is_ascii_lowercase()) => setting,
                _ => line,
            })
            .collect::<Vec<_>>()
            .join("\n")
    }
}
