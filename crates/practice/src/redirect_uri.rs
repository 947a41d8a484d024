//! Redirect URIs of native apps: which kinds are allowed, and when two are the same (RFC 8252 §7).

use url::{Host, Url};

/// The two kinds a native app may have here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedirectKind {
    /// `http` to this machine, any port (RFC 8252 §7.3).
    Loopback,
    /// A scheme of the app's own, as in `com.example.app:/callback` (RFC 8252 §7.1).
    PrivateUseScheme,
}

/// The kind of `redirect_uri`, or nothing where it may not be used at all.
pub fn kind(redirect_uri: &str) -> Option<RedirectKind> {
    let url = Url::parse(redirect_uri).ok()?;
    if url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    if url.scheme() == "http" {
        return is_loopback(&url).then_some(RedirectKind::Loopback);
    }
    // A dot shows a reversed domain name; one slash shows that there is no authority (RFC 8252 §7.1).
    let rest = redirect_uri.get(url.scheme().len() + 1..)?;
    let one_slash = rest.starts_with('/') && !rest.starts_with("//");
    (url.scheme().contains('.') && one_slash).then_some(RedirectKind::PrivateUseScheme)
}

/// Whether the address leads to this machine: a loopback literal, or the name `localhost`.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Whether `requested` is the registered one. Loopback ports may differ (RFC 8252 §7.3) unless `exact_port`.
pub fn matches(registered: &str, requested: &str, exact_port: bool) -> bool {
    if registered == requested {
        return true;
    }
    if exact_port || kind(registered) != Some(RedirectKind::Loopback) || kind(requested) != Some(RedirectKind::Loopback)
    {
        return false;
    }
    without_port(registered).is_some_and(|registered| Some(registered) == without_port(requested))
}

fn without_port(redirect_uri: &str) -> Option<Url> {
    let mut url = Url::parse(redirect_uri).ok()?;
    url.set_port(None).ok()?;
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_and_reversed_domains_are_allowed() {
        let check = |redirect_uri, expect| assert_eq!(kind(redirect_uri), expect, "{redirect_uri}");
        check("http://127.0.0.1/callback", Some(RedirectKind::Loopback));
        check("http://[::1]:4000/callback", Some(RedirectKind::Loopback));
        check("http://localhost:80/", Some(RedirectKind::Loopback));
        check("com.example.app:/callback", Some(RedirectKind::PrivateUseScheme));
        check("com.example.app://callback", None);
        check("com.example.app:callback", None);
        check("example:/callback", None);
        check("http://127.0.0.1.evil.example/", None);
        check("http://127.0.0.1@evil.example/", None);
        check("http://127.0.0.1/#fragment", None);
        check("https://app.example/callback", None);
        check("/callback", None);
    }

    #[test]
    fn only_the_port_of_a_loopback_redirect_may_differ() {
        let check = |registered, requested, expect| assert_eq!(matches(registered, requested, false), expect);
        check("http://127.0.0.1/cb", "http://127.0.0.1:4000/cb", true);
        check("http://127.0.0.1:1/cb", "http://127.0.0.1:2/cb", true);
        check("http://127.0.0.1/cb", "http://127.0.0.1:4000/other", false);
        check("http://127.0.0.1/cb", "http://localhost:4000/cb", false);
        check("com.example.app:/cb", "com.example.app:/cb", true);
        check("com.example.app:/cb", "com.example.app:/other", false);
        assert!(!matches("http://127.0.0.1:1/cb", "http://127.0.0.1:2/cb", true));
    }
}
