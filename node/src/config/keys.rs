//! Every setting, in one table: its name, what it is, its default. Flags, environment and file are read by it.

/// What a setting's value looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A path in the file system.
    Path,
    /// `host:port`.
    Address,
    /// A whole number.
    Count,
    /// `250ms`, `10m`.
    Duration,
    /// `64MiB`.
    Size,
    /// One of these words.
    Choice(&'static [&'static str]),
}

impl Kind {
    /// How the value is shown in `--help`.
    pub fn placeholder(self) -> &'static str {
        match self {
            Kind::Text => "TEXT",
            Kind::Path => "PATH",
            Kind::Address => "HOST:PORT",
            Kind::Count => "N",
            Kind::Duration => "TIME",
            Kind::Size => "SIZE",
            Kind::Choice(_) => "WORD",
        }
    }
}

/// A setting.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name in the file: `raft.heartbeat` is `heartbeat` in the table `[raft]`.
    pub name: &'static str,
    /// What its value looks like.
    pub kind: Kind,
    /// Its value when nobody gives one; none for what must be given or stays empty.
    pub default: Option<&'static str>,
    /// What it is for.
    pub help: &'static str,
}

impl Key {
    /// Its flag, without the dashes: `raft-heartbeat`.
    pub fn flag(&self) -> String {
        self.name.replace(['.', '_'], "-")
    }

    /// Its environment variable: `GONGJI_RAFT_HEARTBEAT`.
    pub fn variable(&self) -> String {
        format!("GONGJI_{}", self.name.replace('.', "_").to_uppercase())
    }
}

const fn key(name: &'static str, kind: Kind, default: Option<&'static str>, help: &'static str) -> Key {
    Key { name, kind, default, help }
}

/// Every setting, in the order in which they are shown.
pub const KEYS: &[Key] = &[
    key("node", Kind::Count, None, "Node id: province code x 1000000 + incarnation; instead of the next two"),
    key("province", Kind::Count, None, "Province code, two digits (32 = Jiangsu)"),
    key(
        "incarnation",
        Kind::Count,
        None,
        "1 for the first machine of a province; a rebuilt machine takes the next [default: 1]",
    ),
    key("data_dir", Kind::Path, None, "Data directory; created when it is missing"),
    key(
        "listen.peer",
        Kind::Address,
        Some("0.0.0.0:7700"),
        "Where other nodes reach this one; port 0 takes a free port",
    ),
    key(
        "listen.api",
        Kind::Address,
        Some("0.0.0.0:7701"),
        "Where clients reach this one; port 0 takes a free port",
    ),
    key(
        "raft.heartbeat",
        Kind::Duration,
        Some("500ms"),
        "How often the leader is heard when nothing happens",
    ),
    key(
        "raft.election",
        Kind::Duration,
        Some("2s"),
        "Shortest silence after which a voter stands for election; the longest is twice that",
    ),
    key(
        "raft.snapshot_entries",
        Kind::Count,
        Some("100000"),
        "A snapshot is taken after this many log entries",
    ),
    key(
        "raft.keep_entries",
        Kind::Count,
        Some("20000"),
        "Log entries kept behind a snapshot, for nodes that are a little late",
    ),
    key("raft.log_cache", Kind::Size, Some("64MiB"), "Recent log entries kept in memory"),
    key("raft.log_chunk", Kind::Size, Some("64MiB"), "Size of one log file"),
    key("state.cache_rows", Kind::Count, Some("400000"), "Records read from disk that are kept in memory"),
    key("state.store_cache", Kind::Size, Some("32MiB"), "Memory of the store below them"),
    key(
        "state.checkpoint_changes",
        Kind::Count,
        Some("200000"),
        "A checkpoint is written when so many records have changed",
    ),
    key("state.checkpoint_size", Kind::Size, Some("128MiB"), "... or so many bytes of them"),
    key(
        "state.journal_keep",
        Kind::Size,
        None,
        "How much of the journal is kept for those who watch from the past; all of it when not set",
    ),
    key("state.snapshots_kept", Kind::Count, Some("2"), "Snapshots kept on disk, at least 2"),
    key(
        "log.level",
        Kind::Text,
        Some("info"),
        "What is logged: error, warn, info, debug, trace; or per module: info,node::raft=debug,openraft=info",
    ),
    key("log.format", Kind::Choice(&["text", "json"]), Some("text"), "How log lines on stderr look"),
];

/// The setting of this name.
pub fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_give_flags_and_variables() {
        let key = find("raft.snapshot_entries").expect("it is in the table");
        assert_eq!(key.flag(), "raft-snapshot-entries");
        assert_eq!(key.variable(), "GONGJI_RAFT_SNAPSHOT_ENTRIES");
    }
}
