//! What ends a node: a fault says which step failed, at which place, and one next command.
//!
//! A fault is never an answer to a caller and never swallowed. Its text already holds the hint, so that
//! whoever prints or logs it cannot forget it; [`Fault::exit_code`] is what the process ends with.

use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// This node is unwell and must stop before it serves anything wrong.
///
/// It can be cloned: after one write fault the state is poisoned, and every later call gives the same fault.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Fault {
    /// The operating system refused a step.
    #[error("{step} failed at {}: {source}; next: {}", path.display(), io_hint(source, path))]
    Io {
        /// What was being done.
        step: &'static str,
        /// To which file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: Arc<io::Error>,
    },
    /// Stored bytes are not what was written.
    #[error("damaged data in {place}: {what}; next: {hint}")]
    Corrupt {
        /// The file and, where known, the byte.
        place: String,
        /// What is wrong there.
        what: String,
        /// The next command.
        hint: String,
    },
    /// The data directory belongs to something else.
    #[error("{} is not this node's data directory: {what}; next: {hint}", path.display())]
    WrongDirectory {
        /// The directory.
        path: PathBuf,
        /// What it is instead.
        what: String,
        /// The next command.
        hint: String,
    },
    /// Another process works in the data directory.
    #[error("{} is in use by another process; next: {}", path.display(), in_use_hint(path))]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// Two nodes have different states at the same index.
    #[error(
        "state differs at index {index}: ours {}, theirs {}; next: keep its directory for study, and replace this node under a new node id: its snapshots may differ, too",
        hex(&ours[..8]), hex(&theirs[..8])
    )]
    Diverged {
        /// The log index that both digests belong to.
        index: u64,
        /// This node's digest.
        ours: [u8; 32],
        /// The other's.
        theirs: [u8; 32],
    },
    /// An address cannot be listened at.
    #[error("listen for {whom} at {address} failed: {source}; next: {}", listen_hint(address))]
    Listen {
        /// Clients or peers.
        whom: &'static str,
        /// The address.
        address: String,
        /// What the operating system said.
        source: Arc<io::Error>,
    },
    /// Consensus has stopped by itself.
    #[error(
        "consensus stopped: {reason}; next: read the log above for the step that failed, then start the node again"
    )]
    Stopped {
        /// Why.
        reason: String,
    },
    /// The settings cannot work.
    #[error("{what}; next: {hint}")]
    Config {
        /// What is wrong with which setting.
        what: String,
        /// The next command.
        hint: String,
    },
}

impl Fault {
    /// A failed step of the operating system.
    pub fn io(step: &'static str, path: &Path, source: io::Error) -> Fault {
        Fault::Io { step, path: path.to_path_buf(), source: Arc::new(source) }
    }

    /// What the process ends with. 1 is left to bugs, 2 to usage.
    pub fn exit_code(&self) -> u8 {
        match self {
            Fault::Config { .. } => 2,
            Fault::Corrupt { .. } | Fault::Diverged { .. } => 8,
            Fault::WrongDirectory { .. } | Fault::InUse { .. } => 9,
            Fault::Io { .. } | Fault::Stopped { .. } => 10,
            Fault::Listen { .. } => 5,
        }
    }

    /// One next command.
    pub fn hint(&self) -> String {
        match self {
            Fault::Io { path, source, .. } => io_hint(source, path),
            Fault::InUse { path } => in_use_hint(path),
            Fault::Listen { address, .. } => listen_hint(address),
            Fault::Stopped { .. } => {
                "read the log above for the step that failed, then start the node again".into()
            }
            Fault::Diverged { .. } => "keep its directory for study, and replace this node under a new node id: its snapshots may differ, too".into(),
            Fault::Corrupt { hint, .. } | Fault::WrongDirectory { hint, .. } | Fault::Config { hint, .. } => {
                hint.clone()
            }
        }
    }
}

fn io_hint(source: &io::Error, path: &Path) -> String {
    let place = path.display();
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            format!("df -h {place}; make room, then start the node again")
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            format!("ls -ld {place}; give the node's user the right to write there")
        }
        io::ErrorKind::NotADirectory => {
            let parent = path.parent().unwrap_or(path).display();
            format!("ls -ld {parent}; it must be a folder: check the path in the settings")
        }
        io::ErrorKind::Other => "read the log above; dmesg | tail; then start the node again".into(),
        io::ErrorKind::NotFound => format!("ls -l {place}; check the path in the settings"),
        _ => "dmesg | tail; check the disk, then start the node again".into(),
    }
}

fn listen_hint(address: &str) -> String {
    let port = address.rsplit(':').next().unwrap_or(address);
    format!("ss -ltnp 'sport = :{port}' shows who listens there; stop it, or set another address")
}

fn in_use_hint(path: &Path) -> String {
    format!("fuser -v {}; stop that process, or use another data directory", path.join("LOCK").display())
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a String cannot fail");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_names_step_place_and_next_command() {
        let full = Fault::io("write redo file", Path::new("/d/sm/redo"), io::ErrorKind::StorageFull.into());
        let text = full.to_string();
        assert!(text.contains("write redo file") && text.contains("/d/sm/redo"), "{text}");
        assert!(text.contains("next: df -h /d/sm/redo"), "{text}");
        assert_eq!(full.exit_code(), 10);
        assert!(text.ends_with(&full.hint()));
        let clone = full.clone();
        assert_eq!(clone.to_string(), text);
    }

    #[test]
    fn a_path_through_a_file_is_looked_at_where_it_breaks() {
        let fault = Fault::io("create folder", Path::new("/d/file/sm"), io::ErrorKind::NotADirectory.into())
            .to_string();
        assert!(fault.contains("next: ls -ld /d/file;") && !fault.contains("dmesg"), "{fault}");
    }

    #[test]
    fn a_divergence_shows_both_digests() {
        let text = Fault::Diverged { index: 7, ours: [0xab; 32], theirs: [0x01; 32] }.to_string();
        assert!(text.contains("index 7") && text.contains("abababab") && text.contains("01010101"), "{text}");
    }
}
