//! The MCP server: four tools over Streamable HTTP, the same with and without authorization.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use axum::http::request;
use rmcp::{
    Json, ServerHandler,
    handler::server::{tool::Extension, wrapper::Parameters},
    model::{Implementation, ServerCapabilities, ServerConfig},
    schemars, tool, tool_handler, tool_router,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
    },
};
use serde::{Deserialize, Serialize};

use crate::authorization::Authorization;

/// The tools of one session.
#[derive(Debug, Clone, Default)]
pub struct Tools {
    counted: Arc<AtomicU64>,
}

/// The arguments of `add`.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
pub struct Summands {
    /// The first number.
    pub a: f64,
    /// The second number.
    pub b: f64,
}

/// The arguments of `echo`.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
pub struct Text {
    /// What comes back.
    pub text: String,
}

/// What `whoami` answers.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct Caller {
    /// The account of the token, or nothing where no token is needed.
    pub account: Option<&'static str>,
    /// The scopes of the token.
    pub scopes: Vec<String>,
}

#[tool_router]
impl Tools {
    /// Tells which account the token of this very request stands for.
    #[tool(description = "Tells which account and scopes the access token stands for")]
    pub fn whoami(&self, Extension(request): Extension<request::Parts>) -> Json<Caller> {
        let authorization = request.extensions.get::<Authorization>();
        Json(Caller {
            account: authorization.map(|it| it.account.name()),
            scopes: authorization.map(|it| it.scopes.clone()).unwrap_or_default(),
        })
    }

    /// Adds two numbers.
    #[tool(description = "Adds two numbers")]
    pub fn add(&self, Parameters(Summands { a, b }): Parameters<Summands>) -> String {
        (a + b).to_string()
    }

    /// Gives the text back.
    #[tool(description = "Gives the text back")]
    pub fn echo(&self, Parameters(Text { text }): Parameters<Text>) -> String {
        text
    }

    /// Counts its own calls.
    #[tool(description = "Counts how often it was called since the server started, by whomever")]
    pub fn count(&self) -> String {
        (self.counted.fetch_add(1, Ordering::Relaxed) + 1).to_string()
    }
}

#[tool_handler]
impl ServerHandler for Tools {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("keybearer-practice", env!("CARGO_PKG_VERSION")))
    }
}

/// The MCP server as a service of one route, refusing other hosts and pages of other origins (DNS rebinding).
pub fn service() -> StreamableHttpService<Tools, LocalSessionManager> {
    let tools = Tools::default();
    let config = StreamableHttpServerConfig::default()
        .with_allowed_hosts(["127.0.0.1", "localhost", "::1"])
        .with_allowed_origins(["http://127.0.0.1:*", "http://localhost:*", "http://[::1]:*"]);
    StreamableHttpService::new(move || Ok(tools.clone()), Arc::default(), config)
}
