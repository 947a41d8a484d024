//! What a practice server is started with; the same words are the arguments of `keybearer-practice serve`.

use clap::Args;

use crate::{dpop::Demand, fault::Fault};

/// The settings of one server. Faults, lifetime, grace and distance can be changed later through the control address.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Seconds until an access token expires
    #[arg(long, value_name = "SECS", default_value_t = 3600)]
    pub token_lifetime: u64,
    /// Seconds during which the previous refresh token is accepted once more
    #[arg(long, value_name = "SECS", default_value_t = 0)]
    pub refresh_grace: u64,
    /// Milliseconds that each token request is under way to the server, and each answer back
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub distance_ms: u64,
    /// Bind tokens to a key of the client, and want a proof with each request
    #[arg(long, value_name = "DEMAND")]
    pub dpop: Option<Demand>,
    /// Misbehave in this way (may be repeated)
    #[arg(long = "fault", value_name = "MODE")]
    pub faults: Vec<Fault>,
    /// Give tokens for the MCP server at this address as well, which asks at /gate what they are worth (may be repeated)
    #[arg(long = "resource", value_name = "URL")]
    pub resources: Vec<String>,
    /// Begin every token and code with this word, so that a test can search files and logs for it
    #[arg(long, value_name = "PREFIX", default_value = "practice")]
    pub plant_token: String,
    /// Make every token this long, in characters
    #[arg(long, value_name = "CHARACTERS", default_value_t = 0)]
    pub token_length: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            token_lifetime: 3600,
            refresh_grace: 0,
            distance_ms: 0,
            dpop: None,
            faults: Vec::new(),
            resources: Vec::new(),
            plant_token: "practice".to_owned(),
            token_length: 0,
        }
    }
}
