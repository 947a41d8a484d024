//! A request that isn't wanted any more.

use crate::method::method;
use crate::rpc::Id;
use serde::{Deserialize, Serialize};

method!(
    /// Takes back a request that is under way on the same connection: it gets no answer any more. So does hanging up.
    RequestCancel, "request.cancel", [Programs, Admin, Restricted], RequestCancelParams => RequestCancelReply
);

/// Parameters of `request.cancel`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RequestCancelParams {
    /// The other request's id.
    pub id: Id,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RequestCancelReply {
    /// Whether it was under way; one that was not has its answer, or never was.
    pub cancelled: bool,
}
