//! Reaching a node, and telling which step failed when it cannot be reached.

use super::Nodes;
use crate::problem::{Exit, Problem};
use proto::v1::Reason;
use std::io;
use std::time::Duration;
use tokio::net::TcpStream;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};

/// How long each step of reaching a node may take.
const STEP: Duration = Duration::from_secs(3);
/// How long an answer may take.
pub const ANSWER: Duration = Duration::from_secs(30);

/// A node that answers.
#[derive(Clone, Debug)]
pub struct Reached {
    /// Its address.
    pub address: String,
    /// The connection.
    pub channel: Channel,
}

/// The first of the nodes that can be reached.
///
/// # Errors
/// For one address, the step that failed; for several, that of each.
pub async fn reach(nodes: &Nodes) -> Result<Reached, Problem> {
    let mut failures: Vec<Problem> = Vec::new();
    for address in &nodes.addresses {
        match reach_one(address).await {
            Ok(reached) => return Ok(reached),
            Err(problem) => failures.push(problem),
        }
    }
    match failures.len() {
        0 => Err(Problem::usage("no address is given").next("--addr 127.0.0.1:7701")),
        1 => Err(failures.remove(0)),
        count => {
            let mut all = Problem::new(Exit::Unreachable, format!("cannot reach any of {count} nodes"))
                .next("gongji start … on one of them, or --addr with the address of a running node");
            for failure in failures {
                all.why.push(format!(
                    "{}: {}",
                    failure.what.trim_start_matches("cannot reach "),
                    failure.why.join("; ")
                ));
            }
            Err(all)
        }
    }
}

/// Reaches one node, step by step.
///
/// # Errors
/// The step that failed.
pub async fn reach_one(address: &str) -> Result<Reached, Problem> {
    let address = plain(address);
    let failed = |step: &str, why: &dyn std::fmt::Display, next: String| {
        Problem::new(Exit::Unreachable, format!("cannot reach {address} ({step})")).because(why).next(next)
    };
    let (host, port) = match address.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => (host, port),
        _ => {
            return Err(
                Problem::usage(format!("{address:?} is not an address")).next("--addr 127.0.0.1:7701")
            );
        }
    };
    let lookup = tokio::time::timeout(STEP, tokio::net::lookup_host(address))
        .await
        .unwrap_or_else(|_| Err(timed_out()));
    let places: Vec<_> =
        lookup.map_err(|why| failed("name lookup", &why, format!("getent hosts {host}")))?.collect();
    let stream = tokio::time::timeout(STEP, TcpStream::connect(&places[..]))
        .await
        .unwrap_or_else(|_| Err(timed_out()));
    stream.map_err(|why| {
        let next = match why.kind() {
            io::ErrorKind::ConnectionRefused => {
                format!("ss -ltn | grep {port} on that machine; when nothing listens there, gongji start …")
            }
            _ => format!("ping {host}; look at the firewalls in between"),
        };
        failed("TCP connection", &why, next)
    })?;
    let endpoint = Endpoint::from_shared(format!("http://{address}"))
        .map_err(|why| Problem::usage(format!("{address:?} is not an address")).because(why))?;
    let endpoint = endpoint.connect_timeout(STEP).timeout(ANSWER).tcp_nodelay(true);
    let channel = endpoint.connect().await.map_err(|why| {
        failed(
            "HTTP/2 handshake",
            &why,
            "give the node's client address (7701 by default), not the one for peers".into(),
        )
    })?;
    Ok(Reached { address: address.to_owned(), channel })
}

/// An address without a scheme in front or a slash behind.
pub fn plain(address: &str) -> &str {
    address.trim().trim_start_matches("http://").trim_end_matches('/')
}

fn timed_out() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {} s", STEP.as_secs()))
}

/// A status that a node answered with, told to a person. `step` is what was asked: "status", "init".
pub fn refused(status: &Status, address: &str, step: &str) -> Problem {
    let reason = proto::status::reason_of(status);
    let what = format!("{step} at {address}: {}", words(status));
    let (next, exit) = match reason {
        Some(reason) => (proto::catalogue::text(reason).hint_en.to_owned(), exit_of(reason, status.code())),
        None if status.code() == Code::Unimplemented => (
            "the address is that of another service, or of a node's peer port; gongji status --addr …".into(),
            Exit::WrongCluster,
        ),
        None => (format!("gongji status --addr {address}"), exit_of(Reason::Unspecified, status.code())),
    };
    let mut problem = Problem::new(exit, what).next(next);
    if let Some((field, wrong)) = proto::status::field_of(status)
        && !problem.what.contains(&wrong)
    {
        problem.why.push(format!("{field}: {wrong}"));
    }
    problem
}

fn words(status: &Status) -> String {
    match status.message() {
        "" => format!("{:?}", status.code()),
        message => message.to_owned(),
    }
}

/// What the process ends with for a reason said at the door.
pub fn exit_of(reason: Reason, code: Code) -> Exit {
    match reason {
        Reason::WrongCluster | Reason::WrongNode | Reason::NotFormed | Reason::AlreadyFormed => {
            return Exit::WrongCluster;
        }
        Reason::OutcomeUnknown => return Exit::Unknown,
        _ => {}
    }
    match code {
        Code::Ok => Exit::Done,
        Code::InvalidArgument | Code::OutOfRange => Exit::Usage,
        Code::NotFound => Exit::NotFound,
        Code::DeadlineExceeded => Exit::Unknown,
        Code::PermissionDenied | Code::Unauthenticated => Exit::NotAllowed,
        Code::FailedPrecondition | Code::AlreadyExists | Code::Aborted => Exit::Refused,
        Code::DataLoss => Exit::Differs,
        Code::Unimplemented => Exit::WrongCluster,
        Code::Unavailable | Code::ResourceExhausted | Code::Cancelled | Code::Unknown | Code::Internal => {
            Exit::Unreachable
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(addresses: &[&str]) -> Nodes {
        Nodes { addresses: addresses.iter().map(|address| (*address).to_owned()).collect() }
    }

    #[tokio::test]
    async fn the_step_that_failed_is_named() {
        let closed = reach(&nodes(&["127.0.0.1:1"])).await.unwrap_err();
        assert!(closed.what.contains("cannot reach 127.0.0.1:1 (TCP connection)"), "{closed}");
        assert_eq!(closed.exit, 5);
        let nowhere = reach(&nodes(&["no-such-host.invalid:7701"])).await.unwrap_err();
        assert!(nowhere.what.contains("(name lookup)"), "{nowhere}");
        assert_eq!(nowhere.next, "getent hosts no-such-host.invalid");
        for bad in ["", "7701", ":7701", "host:port", "host:99999"] {
            assert_eq!(reach(&nodes(&[bad])).await.unwrap_err().exit, 2, "{bad:?}");
        }
        let both = reach(&nodes(&["127.0.0.1:1", "http://127.0.0.1:2/"])).await.unwrap_err();
        assert_eq!(both.why.len(), 2, "{both}");
    }

    #[test]
    fn a_status_gives_its_reason_its_hint_and_its_exit_code() {
        let problem = refused(&proto::status::status(Reason::NoLeader, ""), "a:1", "query");
        assert_eq!(problem.exit, 5);
        assert!(!problem.next.is_empty());
        let problem = refused(&proto::status::bad_field("voters[0].node", "no such province"), "a:1", "init");
        assert_eq!(problem.exit, 2);
        assert!(problem.what.contains("voters[0].node"), "{problem}");
        assert_eq!(refused(&Status::unimplemented(""), "a:1", "status").exit, 9);
    }
}
