//! The stand-in for a browser and a person, for practice servers only: opens the consent page, decides, and carries the
//! answer to the client.

use std::time::Duration;

use reqwest::{Client, Response, header, redirect::Policy};
use thiserror::Error;
use url::{Host, Url, form_urlencoded};

use crate::redirect_uri;

/// Longer than any page of the practice server.
const LONGEST_PAGE: usize = 64 * 1024;

/// Where the decision about a device goes.
const DEVICE_DECISION: &str = "/device/decision";

/// What the person does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Whether they allow or deny.
    pub allows: bool,
    /// The account they pick.
    pub account: String,
    /// Whether their browser reaches the client, or they are left with the address, as on another machine.
    pub reaches_client: bool,
}

/// Where the answer went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carried {
    /// To a listener on loopback, which took it.
    Delivered,
    /// Nowhere yet: this address is for the program that owns its scheme, or for the person to carry on.
    ForApp(String),
    /// Nowhere: a device goes on by itself.
    Done,
}

/// Why the answer went nowhere.
#[derive(Debug, Error)]
pub enum BrowseError {
    /// Not an address this stand-in may open.
    #[error("refused: only http addresses on a loopback IP are opened")]
    NotPractice,
    /// A request failed or took longer than ten seconds.
    #[error("a request failed")]
    Request(#[from] reqwest::Error),
    /// The server showed its error page.
    #[error("the server answered {0}")]
    Page(reqwest::StatusCode),
    /// The page is not the consent page of a practice server.
    #[error("the page is not a consent page")]
    NotConsent,
    /// The decision did not lead on.
    #[error("the decision led nowhere")]
    NoRedirect,
    /// The listener on loopback did not take the answer.
    #[error("the app answered {0}")]
    App(reqwest::StatusCode),
}

/// Opens `address`, lets the person decide, and carries the answer to the client.
///
/// # Errors
/// If the address is not a practice server's, or a step does not lead to the next.
pub async fn browse(address: &str, person: &Person) -> Result<Carried, BrowseError> {
    let address = Url::parse(address).ok().filter(is_practice).ok_or(BrowseError::NotPractice)?;
    let client = Client::builder().redirect(Policy::none()).timeout(Duration::from_secs(10)).no_proxy().build()?;
    let page = client.get(address.clone()).send().await?;
    // The server sends errors to the client by itself, before anybody is asked.
    if page.status().is_redirection() {
        return carry(&client, &page, person).await;
    }
    if !page.status().is_success() {
        return Err(BrowseError::Page(page.status()));
    }
    let form = Form::find(&short_text(page).await?).ok_or(BrowseError::NotConsent)?;
    let action = address.join(&form.action).ok().filter(is_practice).ok_or(BrowseError::NotConsent)?;
    let decided = client
        .post(action)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(form.filled_in(person))
        .send()
        .await?;
    if form.action == DEVICE_DECISION && decided.status().is_success() {
        return Ok(Carried::Done);
    }
    carry(&client, &decided, person).await
}

async fn carry(client: &Client, decided: &Response, person: &Person) -> Result<Carried, BrowseError> {
    let location = decided.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
    let location = location.filter(|_| decided.status().is_redirection()).ok_or(BrowseError::NoRedirect)?;
    let target = Url::parse(location).map_err(|_| BrowseError::NoRedirect)?;
    if target.scheme() != "http" || !person.reaches_client {
        return Ok(Carried::ForApp(location.to_owned()));
    }
    if !redirect_uri::is_loopback(&target) {
        return Err(BrowseError::NotPractice);
    }
    let status = client.get(target).send().await?.status();
    if status.is_success() { Ok(Carried::Delivered) } else { Err(BrowseError::App(status)) }
}

fn is_practice(url: &Url) -> bool {
    let is_literal = matches!(url.host(), Some(Host::Ipv4(_) | Host::Ipv6(_)));
    url.scheme() == "http" && is_literal && redirect_uri::is_loopback(url)
}

async fn short_text(mut page: Response) -> Result<String, BrowseError> {
    let mut body = Vec::new();
    while let Some(chunk) = page.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > LONGEST_PAGE {
            return Err(BrowseError::NotConsent);
        }
    }
    String::from_utf8(body).map_err(|_| BrowseError::NotConsent)
}

/// The form of the consent page. The page is the practice server's own, so looking for its attributes is parsing enough.
struct Form {
    action: String,
    ticket: String,
}

impl Form {
    fn find(html: &str) -> Option<Self> {
        let action = between(html, "<form method=\"post\" action=\"", "\"")?.to_owned();
        let ticket = between(html, "name=\"ticket\" value=\"", "\"")?.to_owned();
        Some(Self { action, ticket })
    }

    fn filled_in(&self, person: &Person) -> String {
        let decision = if person.allows { "allow" } else { "deny" };
        form_urlencoded::Serializer::new(String::new())
            .append_pair("ticket", &self.ticket)
            .append_pair("account", &person.account)
            .append_pair("decision", decision)
            .finish()
    }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found)
}
