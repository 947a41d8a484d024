//! What a server was seen to do, and how it is written down for `docs/compatibility.md`.

use crate::server::Server;
use serde_json::json;
use std::path::PathBuf;

/// The variable that names the folder for what was seen; `cargo xtask` makes the document from it.
const FOLDER: &str = "KEYBEARER_SEEN";

/// What a server was seen to do, from the first visit to the sign-out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// How Keybearer got its client ID there.
    pub(crate) registration: String,
    /// How many tools it listed.
    pub(crate) tools: u64,
    /// Whether its tokens are renewed.
    pub(crate) renewal: Renewal,
    /// What became of the tokens at the sign-out.
    pub(crate) revocation: Revocation,
    /// How the browser came back, where a desktop answers Keybearer's links, so that the deep link is tried first.
    pub(crate) way_back: WayBack,
}

/// Whether tokens are renewed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Renewal {
    /// Before the end of the token, and nobody was asked.
    Silent,
    /// It gives no refresh token.
    NotOffered,
}

/// What became of the tokens at the sign-out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Revocation {
    /// From then on the server refused the access token.
    AtOnce,
    /// It took back the refresh token; the access token serves to its end.
    RefreshTokenOnly,
    /// It offers no revocation.
    NotOffered,
    /// It refused.
    Refused(String),
}

/// How the browser came back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum WayBack {
    /// By a link of Keybearer's own scheme.
    DeepLink,
    /// To a port of this machine, since it didn't register the link.
    Loopback,
    /// To a port of this machine, as was registered by hand or stands in the metadata document.
    AsRegistered,
    /// Not at all.
    NotNeeded,
}

impl Seen {
    /// Writes down what this server was seen to do, if somebody wants to know.
    pub(crate) fn record(&self, name: &str, server: &Server, set_up: &str) {
        let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
        let renewal = match self.renewal {
            Renewal::Silent => "yes",
            Renewal::NotOffered => "gives no refresh token",
        };
        let revocation = match &self.revocation {
            Revocation::AtOnce => "yes",
            Revocation::RefreshTokenOnly => "of the refresh token; the access token serves to its end",
            Revocation::NotOffered => "offers none",
            Revocation::Refused(answer) => &format!("refused: {answer}"),
        };
        let way_back = match self.way_back {
            WayBack::DeepLink => "deep link",
            WayBack::Loopback => "loopback; it refuses the deep link",
            WayBack::AsRegistered => "loopback, as registered",
            WayBack::NotNeeded => "not needed",
        };
        let registration = match self.registration.as_str() {
            "pre_registered" => "a client registered by hand",
            "metadata_document" => "client metadata document",
            _ => "dynamic registration",
        };
        let row = json!({
            "server": name,
            "packages": server.packages(),
            "sign_in": format!("yes; {registration}"),
            "tools": format!("{} tools", self.tools),
            "renewal": renewal,
            "revocation": revocation,
            "way_back": way_back,
            "set_up": set_up,
        });
        #[expect(clippy::disallowed_methods, reason = "read when all tests are over")]
        std::fs::write(folder.join(format!("{name}.json")), row.to_string()).unwrap();
    }
}
