//! Connections that become a pipe to an account's server (`bridge.open`).

use super::{Api, Pass, not_behind};
use crate::caller::{Caller, Standing};
use crate::consent::Asking;
use crate::error::Error;
use keybearer_protocol::bridge::{BridgeOpen, BridgeOpenParams, BridgeOpenReply};
use keybearer_protocol::prompt::PromptKind;
use keybearer_protocol::{Door, ErrorCode, ErrorObject, Method};
use serde_json::Value;
use std::sync::Arc;

impl Api {
    /// Makes the caller's connection one for the account that it names, and gives the pass for what will go over it. A
    /// person is asked now, and not again: the pass holds until the connection ends or what allowed it is taken back.
    pub async fn open_bridge(
        self: &Arc<Self>,
        door: Door,
        caller: &Caller,
        params: Value,
    ) -> Result<(BridgeOpenReply, Pass), ErrorObject> {
        // What was handed on serves one account already, and hands nothing on.
        let is_guest = self.guest(door, caller).is_some_and(|guest| guest.standing != Standing::Program);
        if is_guest || !BridgeOpen::DOORS.contains(&door) {
            return Err(not_behind(door, BridgeOpen::NAME));
        }
        let params: BridgeOpenParams = serde_json::from_value(params)
            .map_err(|_| ErrorObject::new(ErrorCode::InvalidParams, "the parameters don't fit bridge.open"))?;
        self.bridge(caller, &params).await.map_err(|error| error.to_object())
    }

    async fn bridge(
        self: &Arc<Self>,
        caller: &Caller,
        params: &BridgeOpenParams,
    ) -> Result<(BridgeOpenReply, Pass), Error> {
        let target = params.profile.as_deref().or(params.server_url.as_deref()).ok_or(Error::NothingNamed)?;
        let asking = Asking::of(params.interactive, true);
        let opened = self.unless_locked(async {
            let account = self.named(caller, target).await?;
            self.consent.delegate(PromptKind::Program, caller, &account, asking).await?;
            Ok(account)
        });
        let account = opened.await.inspect_err(|error| self.note_refused(caller, Some(target), None, error))?;
        let pass = self.usable_pass(caller, &account.name()).await;
        // A connection that became no pipe is nobody's but the program's own, as it was.
        let pass = pass.inspect_err(|_| self.consent.take_back(&caller.connection))?;
        Ok((BridgeOpenReply { profile: account.name(), server_url: account.view().server_url }, pass))
    }

    /// The pass, unless it is known to be of no use: whoever has to sign in learns it now. A server that is out of reach may
    /// be back in a moment, and a pause ends.
    async fn usable_pass(self: &Arc<Self>, caller: &Caller, name: &str) -> Result<Pass, Error> {
        let pass = self.pass(caller, name, Asking::Never).await?;
        match pass.authorized().await {
            Ok(_) | Err(Error::Paused { .. }) => Ok(pass),
            Err(error) if error.to_object().data.retryable => Ok(pass),
            Err(error) => Err(error),
        }
    }
}
