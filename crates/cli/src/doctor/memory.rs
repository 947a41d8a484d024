//! Whether what the agent has in memory can reach the disk, by the swap.

use super::{Case, Finding};
use std::fs;

const CHECK: &str = "memory";

/// Only Linux tells.
pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let Some(Ok(status)) = &case.status else { return None };
    let swaps = fs::read_to_string("/proc/swaps").ok()?;
    let agent = fs::read_to_string(format!("/proc/{}/status", status.pid)).ok()?;
    Some(finding(&agent, &swaps))
}

fn finding(agent: &str, swaps: &str) -> Finding {
    if is_locked(agent) {
        return Finding::ok(CHECK, "stays out of the swap");
    }
    match swap_on_disk(swaps) {
        None => Finding::ok(CHECK, "this system swaps nothing to a disk"),
        Some(swap) => {
            let found = format!("tokens can reach the swap at {swap}");
            Finding::warn(CHECK, found, "encrypt it, or give user@.service LimitMEMLOCK=infinity (see SECURITY.md)")
        }
    }
}

/// Whether the kernel keeps all pages of the process where they are, by its `status` (proc(5)).
fn is_locked(status: &str) -> bool {
    let kilobytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or_default()
    };
    let locked = kilobytes("VmLck");
    locked > 0 && locked >= kilobytes("VmRSS")
}

/// The first swap that isn't memory itself, by `/proc/swaps`.
fn swap_on_disk(swaps: &str) -> Option<&str> {
    let places = swaps.lines().skip(1).filter_map(|line| line.split_whitespace().next());
    places.into_iter().find(|place| !place.starts_with("/dev/zram"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;

    #[test]
    fn a_disk_is_no_place_for_tokens_and_compressed_memory_is() {
        let swaps = |place: &str| format!("Filename\tType\tSize\tUsed\tPriority\n{place} partition 1000 0 -2\n");
        let (open, locked) =
            ("VmLck:\t       0 kB\nVmRSS:\t    9000 kB\n", "VmLck:\t   90000 kB\nVmRSS:\t    9000 kB\n");
        for (status, swaps, state) in [
            (open, String::from("Filename\tType\tSize\tUsed\tPriority\n"), State::Ok),
            (open, swaps("/dev/zram0"), State::Ok),
            (open, swaps("/dev/dm-1"), State::Warn),
            (open, swaps("/dev/zram0") + "/swapfile file 1 0 -3\n", State::Warn),
            (locked, swaps("/dev/dm-1"), State::Ok),
        ] {
            assert_eq!(finding(status, &swaps).state, state, "{status} {swaps}");
        }
    }
}
