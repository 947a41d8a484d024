//! What the agent tells of itself: to standard error, or to a file once it has left its terminal. Never a secret:
//! secret types print nothing of themselves, and requests are logged by method and host alone.

use anyhow::Context as _;
use keybearer_core::home::Home;
use std::fs::OpenOptions;
use tracing_subscriber::EnvFilter;

/// A file of this size begins anew.
const FILE_LIMIT: u64 = 4 * 1024 * 1024;

/// Starts the log. `KEYBEARER_LOG` chooses what is told, as in `debug` or `keybearer_core=trace`.
pub(crate) fn start(home: &Home, to_file: bool) -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_env("KEYBEARER_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false);
    if !to_file {
        builder.with_writer(std::io::stderr).init();
        return Ok(());
    }
    let path = home.log_file();
    let full = std::fs::metadata(&path).is_ok_and(|metadata| metadata.len() > FILE_LIMIT);
    let mut options = OpenOptions::new();
    options.create(true).write(true).append(!full).truncate(full);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&path).with_context(|| format!("{} can't be written", path.display()))?;
    builder.with_writer(file).init();
    Ok(())
}
