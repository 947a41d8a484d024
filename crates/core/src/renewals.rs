//! Renews tokens ahead of their end, whether or not somebody asks in that moment: sleeps until the first deadline, or until
//! there is news, and has the accounts do the rest.

use crate::accounts::Accounts;
use crate::alarm::{Alarm, Ring};
use crate::clock::now;
use crate::connectivity::Connectivity;
use std::future::pending;
use std::io;
use std::sync::Arc;
use tokio::task::JoinSet;

/// How many accounts are renewed ahead of time at once: after a night, all of them are due. Whoever asks for a token waits
/// for none of these.
const AT_ONCE: usize = 8;

/// Keeps all accounts renewed until the schedule is closed. Where nothing is due, nothing is done at all.
pub async fn keep(accounts: Arc<Accounts>) {
    match Alarm::new() {
        Ok(alarm) => keep_by(&alarm, &accounts).await,
        Err(error) => tracing::error!(%error, "there is no alarm: tokens are renewed only when somebody asks for them"),
    }
}

async fn keep_by(alarm: &Alarm, accounts: &Accounts) {
    let schedule = &accounts.context().schedule;
    let (mut renewing, mut network) = (JoinSet::new(), None);
    while let Some(outlook) = schedule.outlook() {
        let has_room = renewing.len() < AT_ONCE;
        if has_room && let Some(id) = schedule.take_due(now()) {
            if let Some(account) = accounts.with_id(&id) {
                renewing.spawn(async move { account.renew_if_due().await });
            }
            continue;
        }
        // It is listened to only as long as somebody waits for it: networks tell of themselves all the time.
        network =
            network.filter(|_| outlook.after_failure).or_else(|| outlook.after_failure.then(Connectivity::listen));
        tokio::select! {
            () = schedule.changed() => {}
            Some(_) = renewing.join_next() => {}
            ring = alarm.ring(outlook.next.filter(|_| has_room)) => {
                if ring == Ring::ClockJumped {
                    tracing::info!("the machine has slept, or its clock was set");
                    accounts.ever_known().iter().for_each(|account| account.look_again());
                }
            }
            () = returned(&mut network) => {
                tracing::info!("the network has changed");
                let waiting = schedule.after_failure();
                waiting.iter().filter_map(|id| accounts.with_id(id)).for_each(|account| account.try_again());
            }
        }
    }
}

/// Returns when the network has returned, if that can be told.
async fn returned(network: &mut Option<io::Result<Connectivity>>) {
    match network {
        Some(Ok(network)) => network.returned().await,
        Some(Err(error)) => {
            tracing::debug!(%error, "the system doesn't tell of its networks");
            pending().await
        }
        None => pending().await,
    }
}
