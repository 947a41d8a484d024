//! The system's resolver, held to what a server may lead to: a connection goes to the very addresses that were checked
//! here, so that no name changes its meaning in between (`SSRF-3`, `SSRF-4`).

use crate::network::Network;
use crate::server_url::{ServerUrl, is_localhost};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use tokio::sync::OnceCell;
use url::{Host, Url};

/// Looks names up for one MCP server.
#[derive(Clone, Debug)]
pub(crate) struct Resolver(Arc<Asker>);

#[derive(Debug)]
struct Asker {
    /// The MCP server's own host. The user named it, so it may lie anywhere.
    host: Host<String>,
    /// Its addresses: looked up once, so that it is the same one from the first request to the last.
    own: OnceCell<Vec<IpAddr>>,
    /// The hosts of the environment's proxies, which may lie anywhere as well.
    proxies: Vec<String>,
}

/// Why there is no address to connect to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ResolveError {
    /// Nobody knows the name.
    #[error("name not found")]
    NotFound,
    /// It lies nearer than the server may lead.
    #[error("the address lies {0}")]
    TooNear(Network),
}

impl Resolver {
    /// For what belongs to this server.
    pub(crate) fn of(server: &ServerUrl) -> Resolver {
        let host = server.url().host().map_or_else(|| Host::Domain(String::new()), |host| host.to_owned());
        Resolver(Arc::new(Asker { host, own: OnceCell::new(), proxies: proxies() }))
    }

    /// Whether the server may lead to this host. A name that nobody here knows may be known to a browser or a proxy.
    pub(crate) async fn check(&self, host: &Host<&str>) -> Result<(), ResolveError> {
        let checked = match *host {
            Host::Domain(name) => self.addresses(name).await.map(drop),
            Host::Ipv4(_) | Host::Ipv6(_) => self.check_literal(host).await,
        };
        if checked == Err(ResolveError::NotFound) { Ok(()) } else { checked }
    }

    /// The same for an address alone: names are checked where they are looked up.
    pub(crate) async fn check_literal(&self, host: &Host<&str>) -> Result<(), ResolveError> {
        match *host {
            Host::Domain(_) => Ok(()),
            Host::Ipv4(address) => self.admitted(vec![address.into()]).await.map(drop),
            Host::Ipv6(address) => self.admitted(vec![address.into()]).await.map(drop),
        }
    }

    async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, ResolveError> {
        if matches!(&self.0.host, Host::Domain(own) if own == name) {
            return self.own().await.cloned();
        }
        let found = look_up(name).await?;
        if self.0.proxies.iter().any(|proxy| proxy == name) { Ok(found) } else { self.admitted(found).await }
    }

    /// Those of the addresses that the server may lead to.
    async fn admitted(&self, found: Vec<IpAddr>) -> Result<Vec<IpAddr>, ResolveError> {
        // Most lead to the internet, where everybody may lead.
        let nearest = found.iter().copied().map(Network::of).min().unwrap_or(Network::Public);
        let admitted: Vec<IpAddr> = match nearest {
            Network::Public => found,
            Network::Here | Network::Private => {
                let own = self.network().await;
                found.into_iter().filter(|address| Network::of(*address) >= own).collect()
            }
        };
        if admitted.is_empty() { Err(ResolveError::TooNear(nearest)) } else { Ok(admitted) }
    }

    /// Where the server itself lies: as far away as any address of it, and on the internet if nobody here knows.
    async fn network(&self) -> Network {
        let own = self.own().await;
        own.ok().and_then(|own| own.iter().copied().map(Network::of).max()).unwrap_or(Network::Public)
    }

    async fn own(&self) -> Result<&Vec<IpAddr>, ResolveError> {
        let look_up_once = async || match &self.0.host {
            Host::Domain(name) => look_up(name).await,
            Host::Ipv4(address) => Ok(vec![(*address).into()]),
            Host::Ipv6(address) => Ok(vec![(*address).into()]),
        };
        self.0.own.get_or_try_init(look_up_once).await
    }
}

impl reqwest::dns::Resolve for Resolver {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let resolver = self.clone();
        Box::pin(async move {
            let found = resolver.addresses(name.as_str()).await?;
            Ok(Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0))) as reqwest::dns::Addrs)
        })
    }
}

async fn look_up(name: &str) -> Result<Vec<IpAddr>, ResolveError> {
    if is_localhost(name) {
        // Never asked of a name server, whose answer could be anybody.
        return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
    }
    let found = tokio::net::lookup_host((name, 0)).await.map_err(|_| ResolveError::NotFound)?;
    Ok(found.map(|address| address.ip()).collect())
}

fn proxies() -> Vec<String> {
    let names =
        ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"].into_iter().flat_map(|name| [name.to_owned(), name.to_lowercase()]);
    let hosts = names.filter_map(|name| std::env::var(name).ok()).filter_map(|proxy| {
        let url = Url::parse(&proxy).ok().filter(Url::has_host).or_else(|| Url::parse(&format!("http://{proxy}")).ok());
        url?.host_str().map(str::to_owned)
    });
    hosts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What of the addresses a server at these addresses may lead to.
    async fn admitted(own: &str, found: &str) -> Result<String, ResolveError> {
        let addresses =
            |text: &str| text.split_whitespace().map(|a| a.parse().expect("an address")).collect::<Vec<_>>();
        let host = Host::Domain("mcp.example".to_owned());
        let asker = Asker { host, own: OnceCell::new_with(Some(addresses(own))), proxies: Vec::new() };
        let admitted = Resolver(Arc::new(asker)).admitted(addresses(found)).await?;
        Ok(admitted.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
    }

    #[tokio::test]
    async fn a_server_leads_as_far_away_as_it_lies_or_farther() {
        const FAR: &str = "9.9.9.9";
        for (own, found, expected) in [
            (FAR, "8.8.8.8 2606:4700::1", Ok("8.8.8.8 2606:4700::1")),
            (FAR, "10.0.0.1", Err(Network::Private)),
            (FAR, "10.0.0.1 127.0.0.1", Err(Network::Here)),
            // Only the checked ones are connected to.
            (FAR, "8.8.8.8 10.0.0.1 ::1", Ok("8.8.8.8")),
            ("10.0.0.1", "192.168.0.1 8.8.8.8", Ok("192.168.0.1 8.8.8.8")),
            ("10.0.0.1", "127.0.0.1", Err(Network::Here)),
            ("10.0.0.1", "127.0.0.1 fd00::1", Ok("fd00::1")),
            ("::1", "127.0.0.1 10.0.0.1 8.8.8.8", Ok("127.0.0.1 10.0.0.1 8.8.8.8")),
            // A server that also claims to lie nearer than it does gains nothing.
            ("9.9.9.9 10.0.0.1 127.0.0.1", "10.0.0.2", Err(Network::Private)),
        ] {
            let expected = expected.map(str::to_owned).map_err(ResolveError::TooNear);
            assert_eq!(admitted(own, found).await, expected, "{own} leads to {found}");
        }
    }

    #[tokio::test]
    async fn the_servers_own_name_is_looked_up_once() {
        let server: ServerUrl = "https://mcp.localhost/mcp".parse().expect("an address");
        let resolver = Resolver::of(&server);
        let first = resolver.own().await.expect("found").as_ptr();
        assert_eq!(resolver.own().await.expect("found").as_ptr(), first);
        let nowhere: ServerUrl = "https://nowhere.invalid/mcp".parse().expect("an address");
        let (resolver, here) = (Resolver::of(&nowhere), Host::Ipv4(Ipv4Addr::LOCALHOST));
        // Who can't be found counts as far away.
        assert_eq!(resolver.check(&here).await, Err(ResolveError::TooNear(Network::Here)));
        assert_eq!(resolver.check(&Host::Domain("elsewhere.invalid")).await, Ok(()));
    }
}
