//! Whose connection it is: nodes dial from 127.0.0.1 alike, but the system knows which process holds a socket.

use crate::cluster::Processes;
use std::fs;
use std::net::SocketAddrV4;

/// The node whose process has dialled `to` from `from`; none if no node has.
pub fn dialled(from: SocketAddrV4, to: SocketAddrV4, processes: &Processes) -> Option<usize> {
    let inode = inode(&fs::read_to_string("/proc/net/tcp").ok()?, from, to)?;
    let socket = format!("socket:[{inode}]");
    let known: Vec<(u32, usize)> = processes.lock().iter().map(|(id, place)| (*id, *place)).collect();
    let holds = |id: u32| {
        let Ok(open) = fs::read_dir(format!("/proc/{id}/fd")) else { return false };
        open.flatten().any(|file| fs::read_link(file.path()).is_ok_and(|link| link.as_os_str() == &*socket))
    };
    known.into_iter().rev().find(|(id, _)| holds(*id)).map(|(_, place)| place)
}

/// The socket of a connection in the system's table; none once nobody holds it.
fn inode(table: &str, from: SocketAddrV4, to: SocketAddrV4) -> Option<u64> {
    let (from, to) = (written(from), written(to));
    table.lines().skip(1).find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let ours = words.get(1) == Some(&&*from) && words.get(2) == Some(&&*to);
        words.get(9).filter(|_| ours)?.parse().ok().filter(|inode| *inode != 0)
    })
}

/// As the system writes an address: bytes as they lie in memory, then the port.
fn written(address: SocketAddrV4) -> String {
    format!("{:08X}:{:04X}", u32::from_ne_bytes(address.ip().octets()), address.port())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{SocketAddr, TcpListener, TcpStream};

    #[test]
    fn a_connection_is_known_by_its_process() {
        let v4 = |address: SocketAddr| match address {
            SocketAddr::V4(address) => address,
            SocketAddr::V6(_) => panic!("it listens at an IPv4 address"),
        };
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let to = listener.local_addr().expect("an address");
        let stream = TcpStream::connect(to).expect("connected");
        let (to, from) = (v4(to), v4(stream.local_addr().expect("an address")));
        let processes = Processes::default();
        assert_eq!(dialled(from, to, &processes), None, "no node has");
        processes.lock().insert(std::process::id(), 3);
        assert_eq!(dialled(from, to, &processes), Some(3));
        drop(stream);
        assert_eq!(dialled(from, to, &processes), None, "it is closed");
    }
}
