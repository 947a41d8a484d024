//! Listings come in pages, since a frame has a limit; whoever asks wants the whole.

use keybearer_protocol::clients::{
    ClientView, ClientsScanParams, ClientsScanReply, ClientsServersParams, ClientsServersReply, ServerFound,
};
use keybearer_protocol::grant::{GrantListParams, GrantListReply, GrantView};
use keybearer_protocol::profile::{AccountView, ProfileListParams, ProfileListReply};
use std::collections::BTreeMap;

/// Every account, sorted by name; `ask` asks for one page.
pub(super) fn accounts<E>(
    mut ask: impl FnMut(&ProfileListParams) -> Result<ProfileListReply, E>,
) -> Result<Vec<AccountView>, E> {
    join_pages(|last: Option<&AccountView>| {
        let after = last.map(|account| account.profile.clone());
        ask(&ProfileListParams { after, ..ProfileListParams::default() }).map(|page| (page.accounts, page.more))
    })
}

/// The remembered answers for all accounts or for this one, the oldest first; `ask` asks for one page.
pub fn grants<E>(
    profile: Option<&str>,
    mut ask: impl FnMut(&GrantListParams) -> Result<GrantListReply, E>,
) -> Result<Vec<GrantView>, E> {
    join_pages(|last: Option<&GrantView>| {
        let (profile, after) = (profile.map(str::to_owned), last.map(|grant| grant.grant.clone()));
        ask(&GrantListParams { profile, after }).map(|page| (page.grants, page.more))
    })
}

/// The MCP clients of whoever has these variables; `ask` asks for one page.
pub fn clients<E>(
    environment: &BTreeMap<String, String>,
    mut ask: impl FnMut(&ClientsScanParams) -> Result<ClientsScanReply, E>,
) -> Result<Vec<ClientView>, E> {
    join_pages(|last: Option<&ClientView>| {
        let (environment, after) = (environment.clone(), last.map(|client| client.client.clone()));
        ask(&ClientsScanParams { environment, after }).map(|page| (page.clients, page.more))
    })
}

/// The servers that these clients have, with what the first page says beside them; `ask` asks for one page.
pub fn servers<E>(
    params: &ClientsServersParams,
    mut ask: impl FnMut(&ClientsServersParams) -> Result<ClientsServersReply, E>,
) -> Result<ClientsServersReply, E> {
    let mut first = None;
    let servers = join_pages(|last: Option<&ServerFound>| {
        let after = last.map(|server| server.server_url.clone());
        let mut page = ask(&ClientsServersParams { after, ..params.clone() })?;
        let (servers, more) = (std::mem::take(&mut page.servers), std::mem::take(&mut page.more));
        first.get_or_insert(page);
        Ok((servers, more))
    })?;
    let empty = || ClientsServersReply {
        servers: Vec::new(),
        others: 0,
        problems: Vec::new(),
        sign_ins: Vec::new(),
        more: false,
    };
    Ok(ClientsServersReply { servers, ..first.unwrap_or_else(empty) })
}

/// Joins the pages of a listing. `ask` is given the last entry of the page before, and answers with a page and
/// whether another one follows.
fn join_pages<T, E>(mut ask: impl FnMut(Option<&T>) -> Result<(Vec<T>, bool), E>) -> Result<Vec<T>, E> {
    let mut joined: Vec<T> = Vec::new();
    loop {
        let (page, more) = ask(joined.last())?;
        // A page that brings nothing can't lead on: asking again would never end.
        let more = more && !page.is_empty();
        joined.extend(page);
        if !more {
            return Ok(joined);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_joined_and_an_empty_one_is_the_last() {
        let check = |ends: u32, says_more: bool| {
            join_pages(|last: Option<&u32>| {
                let first = last.map_or(0, |last| last + 1);
                let page: Vec<u32> = (first..ends.min(first + 2)).collect();
                let more = says_more || first + 2 < ends;
                Ok::<_, ()>((page, more))
            })
        };
        assert_eq!(check(5, false), Ok(vec![0, 1, 2, 3, 4]));
        assert_eq!(check(0, false), Ok(vec![]));
        assert_eq!(check(3, true), Ok(vec![0, 1, 2]), "an agent that always promises more");
    }
}
