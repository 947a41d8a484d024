//! When a practice server ends: at a signal, and, where it is asked to, with the program that started it.

use std::io;

use tokio::sync::oneshot;

/// Returns when the server should stop.
///
/// # Errors
/// If signals cannot be listened for.
pub(crate) async fn asked_to_stop(exit_with_parent: bool) -> io::Result<()> {
    tokio::select! {
        signalled = signalled() => signalled,
        () = parent_gone(), if exit_with_parent => Ok(()),
    }
}

#[cfg(unix)]
async fn signalled() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminated.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn signalled() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}

/// Standard input ends when the last program that holds its other end is gone, even if it was killed.
async fn parent_gone() {
    let (ended, gone) = oneshot::channel();
    // A thread of its own: a blocking read on the runtime's pool would hold up the exit.
    std::thread::spawn(move || {
        // Any error of standard input ends the wait just as its end does.
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        let _ = ended.send(());
    });
    let _ = gone.await;
}
