//! What the agent tells of itself: to standard error, or to a file once it has left its terminal. Never a secret:
//! secret types print nothing of themselves, and requests are logged by method and host alone.

use anyhow::Context as _;
use keybearer_core::home::Home;
use keybearer_protocol::settings::LogDetail;
use std::fs::OpenOptions;
use tokio::sync::watch;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry, fmt, reload};

/// A file of this size begins anew.
const FILE_LIMIT: u64 = 4 * 1024 * 1024;
/// What decides on the detail before the settings do, as in `debug` or `keybearer_core=trace`.
const VARIABLE: &str = "KEYBEARER_LOG";
/// What is told in detail: our own parts. What libraries say in detail helps nobody.
const DETAILED: &str = "info,keybearer_agent=debug,keybearer_core=debug,keybearer_gateway=debug,keybearer_ipc=debug,\
    keybearer_oauth=debug";

/// The log of this agent.
pub(crate) struct Log {
    /// None where the environment has decided for good.
    filter: Option<reload::Handle<EnvFilter, Registry>>,
}

/// Starts the log.
pub(crate) fn start(home: &Home, to_file: bool) -> anyhow::Result<Log> {
    let named = std::env::var(VARIABLE).ok().filter(|value| !value.is_empty());
    let chosen = named.and_then(|value| EnvFilter::try_new(value).ok());
    let is_chosen = chosen.is_some();
    let (filter, handle) = reload::Layer::new(chosen.unwrap_or_else(|| told_with(LogDetail::Normal)));
    let registry = tracing_subscriber::registry().with(filter);
    let lines = fmt::layer().with_ansi(false);
    if to_file {
        registry.with(lines.with_writer(file(home)?)).init();
    } else {
        registry.with(lines.with_writer(std::io::stderr)).init();
    }
    Ok(Log { filter: (!is_chosen).then_some(handle) })
}

impl Log {
    /// Tells as much as the settings say, from now on and whenever they change.
    pub(crate) async fn follow(self, mut detail: watch::Receiver<LogDetail>) {
        let Some(filter) = self.filter else { return };
        loop {
            let wanted = *detail.borrow_and_update();
            if let Err(error) = filter.reload(told_with(wanted)) {
                tracing::warn!(%error, "the log tells as much as before");
            }
            if detail.changed().await.is_err() {
                return;
            }
        }
    }
}

fn told_with(detail: LogDetail) -> EnvFilter {
    EnvFilter::new(match detail {
        LogDetail::Normal => "info",
        LogDetail::Detailed => DETAILED,
    })
}

fn file(home: &Home) -> anyhow::Result<std::fs::File> {
    let path = home.log_file();
    let full = std::fs::metadata(&path).is_ok_and(|metadata| metadata.len() > FILE_LIMIT);
    let mut options = OpenOptions::new();
    options.create(true).write(true).append(!full).truncate(full);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&path).with_context(|| format!("{} can't be written", path.display()))
}
