//! What the libraries of this room may log.

/// What libraries say when the filter asks for much and does not name them: openraft tells of every vote that a read asks for,
/// and of every heartbeat that a node which is down does not answer.
const LIBRARIES: [(&str, &str); 3] = [
    ("openraft", "openraft=warn,openraft::core::heartbeat=error"),
    ("raft_log", "raft_log=warn"),
    ("chunked_wal", "chunked_wal=warn"),
];

/// A log filter (`tracing_subscriber::EnvFilter`) with the libraries kept quiet that it does not name.
pub fn without_chatter(filter: &str) -> String {
    let mut directives: Vec<&str> =
        filter.split(',').map(str::trim).filter(|directive| !directive.is_empty()).collect();
    let much = ["info", "debug", "trace"];
    if directives.iter().any(|directive| much.contains(&directive.to_ascii_lowercase().as_str())) {
        let unnamed = |library: &str| !directives.iter().any(|directive| directive.starts_with(library));
        let quiet: Vec<&str> =
            LIBRARIES.iter().filter(|(library, _)| unnamed(library)).map(|(_, quiet)| *quiet).collect();
        directives.splice(0..0, quiet);
    }
    directives.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_quiet_unless_they_are_named() {
        let quiet = "openraft=warn,openraft::core::heartbeat=error,raft_log=warn,chunked_wal=warn";
        assert_eq!(without_chatter("info"), format!("{quiet},info"));
        assert_eq!(without_chatter(" DEBUG , node::raft=trace"), format!("{quiet},DEBUG,node::raft=trace"));
        assert_eq!(
            without_chatter("info,openraft::core=debug"),
            "raft_log=warn,chunked_wal=warn,info,openraft::core=debug"
        );
        // Who asks for little gets no more.
        for little in ["error", "warn", "off", "", "node=debug"] {
            assert_eq!(without_chatter(little), little);
        }
        assert!(tracing_subscriber::EnvFilter::try_new(without_chatter("info")).is_ok());
    }
}
