//! The addresses one practice server answers at. Written as JSON they are the line it prints when it is ready.

use serde::Serialize;

/// Where one server is reached; built from its port alone, because it only ever listens on 127.0.0.1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Addresses {
    /// The MCP server that requires a token, and therefore its resource identifier (RFC 8707 §2).
    pub mcp_url: String,
    /// The same MCP server without authorization.
    pub open_mcp_url: String,
    /// The issuer of the authorization server: no path, no closing slash (RFC 8414 §2).
    pub issuer: String,
    /// Where tests read counters and set faults.
    pub control_url: String,
}

impl Addresses {
    /// The addresses of the server that listens on `port`.
    pub fn on(port: u16) -> Self {
        let issuer = format!("http://127.0.0.1:{port}");
        Self {
            mcp_url: format!("{issuer}/mcp"),
            open_mcp_url: format!("{issuer}/open/mcp"),
            control_url: format!("{issuer}/control"),
            issuer,
        }
    }

    /// The address of one endpoint of the authorization server; `path` begins with a slash.
    pub fn endpoint(&self, path: &str) -> String {
        format!("{}{path}", self.issuer)
    }

    /// Where the protected resource metadata stands: the resource's path after the well-known one (RFC 9728 §3.1).
    pub fn resource_metadata_url(&self) -> String {
        self.endpoint("/.well-known/oauth-protected-resource/mcp")
    }
}
