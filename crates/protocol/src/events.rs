//! News that come unasked: a connection subscribes to topics, and is told from then on what changes.

use crate::method::method;
use crate::rpc::Notice;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

method!(
    /// Tells this connection of these topics as well, from now on.
    EventsSubscribe, "events.subscribe", [Programs, Admin], EventsSubscribeParams => EventsReply
);
method!(
    /// Tells it of these no more; of none at all where none is named.
    EventsUnsubscribe, "events.unsubscribe", [Programs, Admin], EventsUnsubscribeParams => EventsReply
);

/// What can be subscribed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Topic {
    /// An account has another token.
    #[serde(rename = "token.rotated")]
    TokenRotated,
    /// An account came, went, or is another than before.
    #[serde(rename = "profile.changed")]
    ProfileChanged,
    /// The agent was locked or unlocked.
    #[serde(rename = "lock.changed")]
    LockChanged,
    /// A remembered answer doesn't hold any more.
    #[serde(rename = "grant.revoked")]
    GrantRevoked,
    /// An account needs its person; behind the admin door.
    #[serde(rename = "auth.required")]
    AuthRequired,
    /// A sign-in is over; behind the admin door.
    #[serde(rename = "auth.completed")]
    AuthCompleted,
    /// Prompts come and go; behind the admin door.
    #[serde(rename = "prompt.*")]
    Prompt,
}

impl Topic {
    /// Whether it is for Keybearer's own programs alone.
    pub fn is_for_admins(self) -> bool {
        match self {
            Topic::AuthRequired | Topic::AuthCompleted | Topic::Prompt => true,
            Topic::TokenRotated | Topic::ProfileChanged | Topic::LockChanged | Topic::GrantRevoked => false,
        }
    }
}

/// Parameters of `events.subscribe`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EventsSubscribeParams {
    /// The topics, beside those that there are.
    pub topics: Vec<Topic>,
}

/// Parameters of `events.unsubscribe`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EventsUnsubscribeParams {
    /// The topics; absent means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topics: Option<Vec<Topic>>,
}

/// The reply to both.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EventsReply {
    /// What this connection is told of now.
    pub topics: Vec<Topic>,
}

/// One piece of news, as the `method` and `params` of a notification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "method", content = "params")]
pub enum Event {
    /// An account has another token; the one before may be good for a while yet.
    #[serde(rename = "token.rotated")]
    TokenRotated {
        /// Counts what this connection was told, from 1.
        seq: u32,
        /// The account.
        profile: String,
        /// The token's number, as in `token.get`.
        generation: u32,
        /// When it ends, where that is known.
        expires_at: Option<Timestamp>,
    },
    /// An account came, went, or is another than before: its name, its state, how it signs in.
    #[serde(rename = "profile.changed")]
    ProfileChanged {
        /// As above.
        seq: u32,
        /// The account.
        profile: String,
        /// The name that it had, if it has another one now.
        renamed_from: Option<String>,
        /// Whether it is gone.
        removed: bool,
    },
    /// The agent was locked or unlocked.
    #[serde(rename = "lock.changed")]
    LockChanged {
        /// As above.
        seq: u32,
        /// Whether it is locked now.
        locked: bool,
    },
    /// A remembered answer doesn't hold any more: it was taken back, or Keybearer was locked.
    #[serde(rename = "grant.revoked")]
    GrantRevoked {
        /// As above.
        seq: u32,
        /// The grant.
        grant: String,
        /// The account.
        profile: String,
    },
    /// An account needs its person.
    #[serde(rename = "auth.required")]
    AuthRequired {
        /// As above.
        seq: u32,
        /// The account.
        profile: String,
    },
    /// A sign-in is over.
    #[serde(rename = "auth.completed")]
    AuthCompleted {
        /// As above.
        seq: u32,
        /// The account.
        profile: String,
        /// Whether it went well.
        signed_in: bool,
    },
    /// A prompt waits for a person; the prompter reads it with `prompt.next`.
    #[serde(rename = "prompt.asked")]
    PromptAsked {
        /// As above.
        seq: u32,
        /// The prompt.
        prompt: String,
        /// The account that it is about.
        profile: String,
    },
    /// It was answered, or nobody waits for the answer any more.
    #[serde(rename = "prompt.ended")]
    PromptEnded {
        /// As above.
        seq: u32,
        /// The prompt.
        prompt: String,
    },
    /// The connection took its news too slowly: those with these numbers were dropped. Look anew.
    #[serde(rename = "events.lost")]
    Lost {
        /// The first.
        from: u32,
        /// The last.
        to: u32,
    },
}

impl From<Event> for Notice {
    fn from(event: Event) -> Notice {
        let mut written = serde_json::to_value(event).unwrap_or_default();
        let method = written["method"].as_str().unwrap_or_default().to_owned();
        Notice::new(&method, written["params"].take())
    }
}
