//! What a process has used: CPU and memory, from /proc.

use std::fs;
use std::time::Duration;

/// The unit of times in /proc/PID/stat: the kernel's USER_HZ, 100 on every Linux that Rust runs on.
const TICKS_PER_SECOND: u64 = 100;

/// CPU time of a process so far, in user and kernel mode; zero when there is no such process.
pub fn cpu(process: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The second field, the name in brackets, may hold spaces.
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let field = |place: usize| {
        after_name.split_whitespace().nth(place).and_then(|text| text.parse().ok()).unwrap_or(0_u64)
    };
    Duration::from_millis((field(11) + field(12)) * 1_000 / TICKS_PER_SECOND)
}

/// Resident memory of a process, in bytes: at most so far, and now.
pub fn memory(process: u32) -> (u64, u64) {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.split_whitespace().next().and_then(|text| text.parse::<u64>().ok()).unwrap_or(0) * 1_024
    };
    (field("VmHWM:"), field("VmRSS:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_something() {
        let (most, now) = memory(std::process::id());
        assert!(most >= now && now > 1 << 20, "{most} {now}");
        assert_eq!(cpu(u32::MAX), Duration::ZERO);
    }
}
