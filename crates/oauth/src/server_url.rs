//! The MCP server's address as the user wrote it, checked once.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use url::{Host, Url};

/// The address of an MCP server: https, or http on loopback; no user info, no fragment.
///
/// The text is kept byte for byte, because a protected resource is compared and sent as published (`AUTHZ-6`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServerUrl {
    text: String,
    url: Url,
}

/// Why a text is not the address of an MCP server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServerUrlError {
    /// It doesn't parse (RFC 3986).
    #[error("\"{0}\" is not a web address; it should look like https://mcp.example.com/mcp")]
    NotAnAddress(String),
    /// Another scheme than https and http.
    #[error("an MCP server's address begins with https://, not {0}://")]
    Scheme(String),
    /// http to another machine would send tokens in the open (`TLS-1`).
    #[error("http:// would send tokens in the open to {0}; use https:// (http:// is for this machine alone)")]
    PlainHttp(String),
    /// A user name or password in the address.
    #[error("the address holds a user name or password; leave them out, Keybearer keeps them elsewhere")]
    UserInfo,
    /// A fragment never reaches a server (RFC 8707 §2).
    #[error("the address has a fragment (#…), which never reaches a server; leave it out")]
    Fragment,
}

impl ServerUrl {
    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The parsed address.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The host as the user knows it, without a port.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// Whether the server runs on this machine.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.url)
    }

    /// Whether both name the same server: same scheme, host, port, path and query.
    pub fn same_server(&self, other: &ServerUrl) -> bool {
        self.url == other.url
    }

    /// Whether a protected resource of this name covers this server: the same origin, and a path that is equal or
    /// lies above it (RFC 9728 §3.3, `DISC-5`). Hosts are compared whole: no suffix matches.
    pub fn is_covered_by(&self, resource: &str) -> bool {
        let Ok(resource) = Url::parse(resource) else { return false };
        let own = self.url.path().trim_end_matches('/');
        let wide = resource.path().trim_end_matches('/');
        resource.origin() == self.url.origin()
            && resource.fragment().is_none()
            && own.strip_prefix(wide).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl FromStr for ServerUrl {
    type Err = ServerUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let url = Url::parse(text).map_err(|_| ServerUrlError::NotAnAddress(text.to_owned()))?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(ServerUrlError::Scheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(ServerUrlError::UserInfo);
        }
        if url.fragment().is_some() {
            return Err(ServerUrlError::Fragment);
        }
        if !is_protected(&url) {
            return Err(ServerUrlError::PlainHttp(url.host_str().unwrap_or_default().to_owned()));
        }
        Ok(ServerUrl { text: text.to_owned(), url })
    }
}

impl TryFrom<String> for ServerUrl {
    type Error = ServerUrlError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ServerUrl> for String {
    fn from(url: ServerUrl) -> String {
        url.text
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// An address up to its query.
pub(crate) fn without_query(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.into()
}

/// Whether nobody else can read along: https, or http that never leaves this machine (`TLS-1`, `SSRF-2`).
pub fn is_protected(url: &Url) -> bool {
    url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url))
}

/// Whether the address names this machine: a loopback literal or `localhost`. One that a translator or a tunnel would
/// carry here doesn't: it leaves this machine first.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => stays_here(address.into()),
        Some(Host::Ipv6(address)) => stays_here(address.into()),
        Some(Host::Domain(name)) => is_localhost(name),
        None => false,
    }
}

fn stays_here(address: IpAddr) -> bool {
    let address = address.to_canonical();
    address.is_loopback() || address.is_unspecified()
}

/// Whether the name is reserved for this machine (RFC 6761 §6.3).
pub(crate) fn is_localhost(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_or_loopback_passes_and_the_text_stays_as_written() {
        for good in
            ["https://mcp.example.com", "https://Example.com/mcp?x=1", "http://127.0.0.1:8080/mcp", "http://[::1]/"]
        {
            assert_eq!(good.parse::<ServerUrl>().map(|u| u.as_str().to_owned()), Ok(good.to_owned()));
        }
        for bad in [
            "mcp.example.com",
            "ftp://x/y",
            "javascript:alert(1)",
            "http://example.com/mcp",
            "http://127.0.0.1.evil.com/",
            "https://u:p@example.com/",
            "https://example.com/#x",
            "http://localhost.evil.com/",
            // Through a translator and through a tunnel.
            "http://[64:ff9b::7f00:1]/",
            "http://[2002:7f00:1::]/",
            "",
        ] {
            assert!(bad.parse::<ServerUrl>().is_err(), "{bad} passed");
        }
    }

    #[test]
    fn a_resource_covers_its_own_path_and_below_on_the_same_origin_only() {
        let server: ServerUrl = "https://mcp.example.com/team/mcp".parse().expect("a good address");
        for covering in [
            "https://mcp.example.com",
            "https://mcp.example.com/team",
            "https://mcp.example.com/team/mcp/",
            "https://MCP.example.com:443/team",
        ] {
            assert!(server.is_covered_by(covering), "{covering}");
        }
        for foreign in [
            "https://evil.com/team/mcp",
            "https://mcp.example.com.evil.com/team/mcp",
            "http://mcp.example.com/team/mcp",
            "https://mcp.example.com/te",
            "https://mcp.example.com:8443/team/mcp",
            "https://mcp.example.com/team/mcp/deeper",
            "",
        ] {
            assert!(!server.is_covered_by(foreign), "{foreign}");
        }
    }
}
