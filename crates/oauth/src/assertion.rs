//! A JWT that somebody else signed, and that is presented as it is (RFC 7523 §2.1). Whoever gets it checks it; its bearer
//! looks into it only to keep it from where it doesn't belong, and from being refused for its age.

use crate::readable::readable;
use jsonwebtoken::dangerous::insecure_decode_claims;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;

/// The most that one may hold, in bytes.
pub const LIMIT: usize = 16 * 1024;

/// What its bearer looks at (RFC 7519 §4.1). Nothing here is verified.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Claims {
    #[serde(default)]
    aud: Value,
    #[serde(default)]
    exp: Option<f64>,
    #[serde(default)]
    preferred_username: Value,
    #[serde(default)]
    email: Value,
    #[serde(default)]
    name: Value,
}

/// Why a text can't be presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssertionError {
    /// It isn't a JWT.
    #[error("that is no JWT (RFC 7519): it wants three parts with dots between, signed by whoever vouches")]
    NotJwt,
}

/// Reads what stands in a JWT.
pub fn claims(assertion: &SecretString) -> Result<Claims, AssertionError> {
    let text = assertion.expose_secret();
    let is_jwt = text.len() <= LIMIT && text.bytes().all(|c| c.is_ascii_graphic());
    match insecure_decode_claims(text) {
        Ok(claims) if is_jwt => Ok(claims),
        _ => Err(AssertionError::NotJwt),
    }
}

impl Claims {
    /// Whether it has ended by now, in seconds since 1970.
    pub fn is_over(&self, now: i64) -> bool {
        self.exp.is_some_and(|end| end <= now as f64)
    }

    /// Whether it names one of these as its audience. An address means the same with a slash at its end and without.
    pub fn is_for(&self, names: &[&str]) -> bool {
        let is_named = |audience: &str| names.iter().any(|name| trimmed(name) == trimmed(audience));
        self.audiences().iter().any(|audience| is_named(audience))
    }

    /// What an ID token calls its person, in words fit to be read (OpenID Connect Core §5.1): nothing may be decided by it.
    pub fn person(&self) -> Option<String> {
        let texts = [&self.email, &self.preferred_username, &self.name].into_iter().filter_map(Value::as_str);
        texts.map(readable).find(|text| !text.trim().is_empty())
    }

    /// For whom it says that it is.
    pub fn audiences(&self) -> Vec<&str> {
        match &self.aud {
            Value::String(one) => vec![one],
            Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
        }
    }
}

fn trimmed(name: &str) -> &str {
    name.strip_suffix('/').unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};

    fn jwt(claims: &str) -> SecretString {
        let part = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.{}", part(r#"{"alg":"RS256"}"#), part(claims), part("signature")).into()
    }

    #[test]
    fn audience_and_end_are_read_as_people_write_them() {
        let claims = |text: &str| claims(&jwt(text)).expect("a JWT");
        assert!(claims(r#"{"aud":"https://as.example/"}"#).is_for(&["https://as.example"]));
        assert!(claims(r#"{"aud":["x","https://as.example/token"]}"#).is_for(&["https://as.example/token"]));
        for other in [r#"{"aud":"https://as.example.evil"}"#, r#"{"aud":7}"#, "{}"] {
            assert!(!claims(other).is_for(&["https://as.example"]), "{other}");
        }
        assert!(claims(r#"{"exp":10}"#).is_over(10) && claims(r#"{"exp":10.5}"#).is_over(11));
        assert!(!claims(r#"{"exp":10}"#).is_over(9) && !claims("{}").is_over(9));
    }

    #[test]
    fn a_person_is_called_by_what_people_know_and_never_by_a_number() {
        let person = |text: &str| claims(&jwt(text)).expect("a JWT").person();
        let all = r#"{"sub":"1","name":"Ada L.","email":"ada@acme.example","preferred_username":"ada"}"#;
        assert_eq!(person(all).as_deref(), Some("ada@acme.example"));
        assert_eq!(person(r#"{"name":"Ada\u202e L.","preferred_username":" "}"#), Some(readable("Ada\u{202e} L.")));
        for nobody in [r#"{"sub":"248289761001"}"#, r#"{"email":7,"name":["x"]}"#, "{}"] {
            assert_eq!(person(nobody), None, "{nobody}");
        }
    }

    #[test]
    fn what_is_no_jwt_is_not_quoted() {
        for text in ["", "secret", "a.b.c", "secret.secret"] {
            let error = claims(&text.to_owned().into()).expect_err(text);
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}
