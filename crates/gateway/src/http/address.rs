//! Where a request is meant to go, as its path says: `/mcp/NAME`, with the key before it for clients that can send no
//! header (`/key/KEY/mcp/NAME`), and an endpoint of the old transport behind it (`/mcp/NAME/messages/ID`).

use percent_encoding::percent_decode_str;

/// The parts of a path.
#[derive(PartialEq, Eq)]
pub(super) struct Address<'a> {
    /// All of it but the endpoint.
    pub(super) base: &'a str,
    pub(super) key: Option<&'a str>,
    pub(super) profile: String,
    pub(super) endpoint: Option<&'a str>,
}

impl<'a> Address<'a> {
    /// The parts of this path, if there can be something there.
    pub(super) fn of(path: &'a str) -> Option<Address<'a>> {
        let mut parts = path.strip_prefix('/')?.split('/').peekable();
        let key = parts.next_if_eq(&"key").and_then(|_| parts.next());
        if parts.next()? != "mcp" {
            return None;
        }
        let profile = percent_decode_str(parts.next()?).decode_utf8().ok()?.into_owned();
        let endpoint = parts.next_if_eq(&"messages").map(|_| parts.next());
        if profile.is_empty() || parts.next().is_some() {
            return None;
        }
        let endpoint = match endpoint {
            Some(id) => Some(id.filter(|id| !id.is_empty())?),
            None => None,
        };
        let end = endpoint.map_or(path.len(), |id| path.len() - id.len() - "/messages/".len());
        Some(Address { base: &path[..end], key, profile, endpoint })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_accounts_and_to_nothing_else() {
        for (path, base, key, profile, endpoint) in [
            ("/mcp/linear", "/mcp/linear", None, "linear", None),
            ("/mcp/my%20work%2Fhome", "/mcp/my%20work%2Fhome", None, "my work/home", None),
            ("/key/k1/mcp/linear", "/key/k1/mcp/linear", Some("k1"), "linear", None),
            ("/mcp/linear/messages/7", "/mcp/linear", None, "linear", Some("7")),
            ("/key/k1/mcp/linear/messages/7", "/key/k1/mcp/linear", Some("k1"), "linear", Some("7")),
        ] {
            let expected = Address { base, key, profile: profile.to_owned(), endpoint };
            assert!(Address::of(path) == Some(expected), "{path}");
        }
        for path in [
            "",
            "/",
            "*",
            "/mcp",
            "/mcp/",
            "/mcp/a/",
            "/mcp/a/b",
            "/mcp//a",
            "/key/k",
            "/key/k/mcp",
            "/mcp/a/messages",
            "/mcp/a/messages/",
            "/mcp/a/messages/1/2",
            "/.well-known/oauth-protected-resource",
            "/.well-known/oauth-protected-resource/mcp/a",
            "/mcp/a/.well-known/openid-configuration",
            "/mcp/%ff",
            "//mcp/a",
            "/../mcp/a",
        ] {
            assert!(Address::of(path).is_none(), "{path}");
        }
    }
}
