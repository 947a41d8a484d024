//! What a method is, and which socket answers it.

use serde::{Serialize, de::DeserializeOwned};

/// One of the agent's sockets. Each lies in a folder of its own, so that a sandbox can be given one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Door {
    /// For every program: tokens and headers.
    Programs,
    /// For Keybearer's own command and window: profiles, sign-in, the agent. Hands out no token.
    Admin,
    /// For containers and forwarded connections: tokens of the accounts that a person has named for it, each asked about.
    Restricted,
    /// For MCP clients that can use a socket: the gateway over HTTP. No method of ours is answered there.
    Gateway,
}

impl Door {
    /// The door's name in logs and messages.
    pub fn name(self) -> &'static str {
        match self {
            Door::Programs => "programs",
            Door::Admin => "admin",
            Door::Restricted => "restricted",
            Door::Gateway => "gateway",
        }
    }
}

/// A method of the protocol: a request with its reply.
pub trait Method {
    /// The name on the wire, such as `token.get`.
    const NAME: &'static str;
    /// The doors that answer it. What returns a token to programs never names [`Door::Admin`].
    const DOORS: &'static [Door];
    /// What the caller sends.
    type Params: Serialize + DeserializeOwned;
    /// What the agent answers.
    type Reply: Serialize + DeserializeOwned;
}

/// Declares a method in one line: `method!(TokenGet, "token.get", [Programs], TokenGetParams => TokenReply)`.
macro_rules! method {
    ($(#[$doc:meta])* $type:ident, $name:literal, [$($door:ident),+], $params:ty => $reply:ty) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $type;

        impl $crate::Method for $type {
            const NAME: &'static str = $name;
            const DOORS: &'static [$crate::Door] = &[$($crate::Door::$door),+];
            type Params = $params;
            type Reply = $reply;
        }
    };
}
pub(crate) use method;

/// Parameters or a reply with nothing in it: `{}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Empty {}
