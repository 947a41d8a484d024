//! Request parameters from a query or a form, each present at most once.

use std::collections::HashMap;

use axum::http::{HeaderMap, header};
use url::form_urlencoded;

use crate::oauth_error::{ErrorCode, OAuthError};

/// Parameters by name. There is no `Debug`, because they hold codes, tokens and verifiers.
pub struct Parameters(HashMap<String, String>);

impl Parameters {
    /// Reads the query of an address or the body of a form.
    ///
    /// # Errors
    /// `invalid_request` if a parameter stands twice (RFC 6749 §3.1).
    pub fn parse(encoded: &[u8]) -> Result<Self, OAuthError> {
        let mut parameters = HashMap::new();
        for (name, value) in form_urlencoded::parse(encoded) {
            if parameters.insert(name.into_owned(), value.into_owned()).is_some() {
                return Err(OAuthError::new(ErrorCode::InvalidRequest, "a parameter stands twice"));
            }
        }
        Ok(Self(parameters))
    }

    /// Reads the body of a POST, which must say that it is a form.
    ///
    /// # Errors
    /// `invalid_request` if it is none, or if a parameter stands twice.
    pub fn from_form(headers: &HeaderMap, body: &[u8]) -> Result<Self, OAuthError> {
        let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(OAuthError::new(ErrorCode::InvalidRequest, "the body must be a form"));
        }
        Self::parse(body)
    }

    /// One parameter; without a value it counts as left out (RFC 6749 §3.1).
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// One parameter that must be there.
    ///
    /// # Errors
    /// `invalid_request` naming the parameter.
    pub fn require(&self, name: &str) -> Result<&str, OAuthError> {
        self.get(name).ok_or_else(|| OAuthError::new(ErrorCode::InvalidRequest, format!("{name} is missing")))
    }
}
