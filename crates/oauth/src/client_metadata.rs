//! What we say of ourselves to authorization servers, made in one place: for a registration (RFC 7591 §2) and for a document
//! whose address is the client ID (Client ID Metadata Documents, `CIMD-1..6`).

use serde::Serialize;
use std::fmt;
use std::str::FromStr;
use url::Url;

/// The name that authorization servers show to the user.
const CLIENT_NAME: &str = "Keybearer";

/// The grant of a sign-in on another device (RFC 8628 §3.4).
pub(crate) const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// The longest address of a document, in bytes.
const ADDRESS_LIMIT: usize = 1024;

/// The client, described. It holds no secret, nor anything that belongs to one machine.
#[derive(Clone, Debug, Serialize)]
pub struct ClientMetadata<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
    client_name: &'static str,
    redirect_uris: &'a [String],
    grant_types: Vec<&'static str>,
    response_types: &'static [&'static str],
    token_endpoint_auth_method: &'a str,
    /// A program on the user's own machine (`DCR-2`, `DCR-3`).
    application_type: &'static str,
    software_id: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    software_version: Option<&'static str>,
}

impl<'a> ClientMetadata<'a> {
    /// What a registration says, of a client that signs in on other devices as well or not. Without redirect addresses there
    /// is no grant that needs one.
    pub(crate) fn to_register(redirect_uris: &'a [String], auth_method: &'a str, device: bool) -> ClientMetadata<'a> {
        let has_redirect = !redirect_uris.is_empty();
        let grants = has_redirect.then_some("authorization_code").into_iter().chain(device.then_some(DEVICE_CODE));
        ClientMetadata {
            client_id: None,
            client_name: CLIENT_NAME,
            redirect_uris,
            // With refresh tokens, where there are any (`DCR-6`, `REF-2`).
            grant_types: grants.chain(["refresh_token"]).collect(),
            response_types: if has_redirect { &["code"] } else { &[] },
            token_endpoint_auth_method: auth_method,
            application_type: "native",
            software_id: "app.keybearer",
            software_version: Some(env!("CARGO_PKG_VERSION")),
        }
    }

    /// The document to lay at this address. It is for every version and every authorization server: a public client, with all
    /// grants that a person can use.
    pub fn document(address: &'a DocumentAddress, redirect_uris: &'a [String]) -> ClientMetadata<'a> {
        ClientMetadata {
            client_id: Some(address.as_str()),
            software_version: None,
            ..ClientMetadata::to_register(redirect_uris, "none", true)
        }
    }
}

/// The address of a client metadata document. It is the client's ID, compared as text, so it is kept as it was written
/// (`CIMD-2`, `CIMD-4`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentAddress(String);

/// Why an address can't be that of a client metadata document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{address} can't be the address of a client metadata document: {fault}")]
pub struct DocumentAddressError {
    address: String,
    fault: Fault,
}

/// What is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum Fault {
    #[error("it is no address")]
    NoAddress,
    #[error("it doesn't begin with https://")]
    NotHttps,
    #[error("it has no path, such as /keybearer.json")]
    NoPath,
    #[error("it has a user name or a password")]
    UserInfo,
    #[error("it has a # part")]
    Fragment,
    #[error("it has a ? part")]
    Query,
    #[error("its path has a . or .. part")]
    DotSegment,
    #[error("it is longer than {ADDRESS_LIMIT} bytes")]
    TooLong,
    #[error("authorization servers would read it as {0}; write that")]
    OtherSpelling(String),
}

impl DocumentAddress {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DocumentAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for DocumentAddress {
    type Err = DocumentAddressError;

    fn from_str(text: &str) -> Result<DocumentAddress, DocumentAddressError> {
        match fault(text) {
            None => Ok(DocumentAddress(text.to_owned())),
            Some(Fault::TooLong) => Err(DocumentAddressError { address: "it".to_owned(), fault: Fault::TooLong }),
            Some(fault) => Err(DocumentAddressError { address: text.to_owned(), fault }),
        }
    }
}

/// The first of the draft's rules that an address breaks (§3).
fn fault(text: &str) -> Option<Fault> {
    if text.len() > ADDRESS_LIMIT {
        return Some(Fault::TooLong);
    }
    let Ok(url) = Url::parse(text) else { return Some(Fault::NoAddress) };
    // Looked for in the text: the parser takes them out.
    let path = text.split(['?', '#']).next().unwrap_or_default();
    let is_dots = |segment: &str| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    let broken = [
        (url.scheme() != "https", Fault::NotHttps),
        (!url.username().is_empty() || url.password().is_some(), Fault::UserInfo),
        (url.fragment().is_some(), Fault::Fragment),
        // The draft advises against one; a client that is the same everywhere needs none.
        (url.query().is_some(), Fault::Query),
        (path.split('/').skip(3).any(is_dots), Fault::DotSegment),
        (url.path() == "/", Fault::NoPath),
        (url.as_str() != text, Fault::OtherSpelling(url.to_string())),
    ];
    broken.into_iter().find(|(is_broken, _)| *is_broken).map(|(_, fault)| fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_lies_at_an_https_address_with_a_path_and_nothing_more() {
        for good in ["https://a.example/k.json", "https://a.example:8443/b/k", "https://a.example/k/"] {
            assert_eq!(good.parse::<DocumentAddress>().map(|address| address.to_string()), Ok(good.to_owned()));
        }
        let long = format!("https://a.example/{}", "k".repeat(ADDRESS_LIMIT));
        for (bad, why) in [
            ("k.json", "no address"),
            ("http://a.example/k.json", "https://"),
            ("https://a.example", "no path"),
            ("https://a.example/", "no path"),
            ("https://me@a.example/k.json", "user name"),
            ("https://:pw@a.example/k.json", "user name"),
            ("https://a.example/k.json#", "#"),
            ("https://a.example/k.json?v=1", "?"),
            ("https://a.example/b/../k.json", ".."),
            ("https://a.example/%2E/k.json", ".."),
            ("https://A.example/k.json", "write that"),
            ("https://a.example:443/k.json", "write that"),
            (" https://a.example/k.json", "write that"),
            (long.as_str(), "longer"),
        ] {
            let error = bad.parse::<DocumentAddress>().expect_err(bad).to_string();
            assert!(error.contains(why), "{bad}: {error}");
        }
    }
}
