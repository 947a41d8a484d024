//! Many callers in one process, none of which behaves.

use anyhow::bail;
use keybearer_tests::wire::Wire;
use std::io::Read;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

/// Far more than a line may hold.
const MEGABYTE: usize = 1 << 20;

/// So many callers of a kind, until standard input ends. Says when all of them are there, and in the end how many of their
/// connections the agent has ended.
pub(crate) fn pester(kind: &str, callers: usize, socket: &Path) -> anyhow::Result<()> {
    let (ended, is_over) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let all_there = Arc::new(Barrier::new(callers + 1));
    let mut idle = Vec::new();
    for _ in 0..callers {
        let first = reach(kind, socket)?;
        if kind == "idle" {
            idle.push(first);
            continue;
        }
        let (kind, socket) = (kind.to_owned(), socket.to_owned());
        let (ended, is_over, all_there) = (ended.clone(), is_over.clone(), all_there.clone());
        // Ends with the process.
        std::thread::spawn(move || {
            let mut next = Some(first);
            all_there.wait();
            while !is_over.load(Ordering::Relaxed) {
                // The agent may have let go of it already, and may be full for a moment.
                let Some(mut wire) = next.take().or_else(|| reach(&kind, &socket).ok()) else { continue };
                let _ = annoy(&kind, &mut wire);
                ended.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    if kind != "idle" {
        all_there.wait();
    }
    println!("ready");
    std::io::stdin().read_to_end(&mut Vec::new())?;
    is_over.store(true, Ordering::Relaxed);
    println!("{}", ended.load(Ordering::Relaxed));
    Ok(())
}

fn reach(kind: &str, socket: &Path) -> anyhow::Result<Wire> {
    if matches!(kind, "idle" | "half") { Wire::open(socket) } else { Wire::connect(socket) }
}

/// Does what this kind does, until the agent hangs up.
fn annoy(kind: &str, wire: &mut Wire) -> anyhow::Result<()> {
    match kind {
        "stall" => wire.send_part("{\"jsonrpc\":\"2.0\",\"id\":0,\"meth")?,
        "half" => wire.send_part("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"token.get\",\"par")?,
        "flood" => wire.send_part(&"x".repeat(MEGABYTE))?,
        "noise" => wire.send("\u{1}\u{7f}not JSON at all, and no hello either")?,
        other => bail!("there is no kind {other}"),
    }
    while wire.receive()?.is_some() {}
    Ok(())
}
