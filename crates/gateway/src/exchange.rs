//! One request to a server, with what authorizes it, and the head of its answer.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use keybearer_core::upstream::{Access, Headers, UpstreamError};
use keybearer_oauth::dpop::is_nonce_challenged;
use keybearer_oauth::http::Answer;
use keybearer_oauth::{Http, HttpError};
use secrecy::ExposeSecret;
use url::Url;

/// Sends a request with what authorizes it. A server that wants its nonce in the proof is asked once more, with it
/// (RFC 9449 §9, `DPOP-2`).
pub(crate) async fn exchange(http: &Http, access: &Access, request: &Request<Bytes>) -> Result<Answer, UpstreamError> {
    let answer = exchange_once(http, access, request.clone()).await?;
    match access {
        Access::Bound { .. } if answer.status() == 401 && is_nonce_challenged(answer.headers()) => {
            exchange_once(http, access, request.clone()).await
        }
        Access::Bound { .. } | Access::Headers(_) => Ok(answer),
    }
}

async fn exchange_once(http: &Http, access: &Access, mut request: Request<Bytes>) -> Result<Answer, UpstreamError> {
    let url = Url::parse(&request.uri().to_string()).map_err(|_| HttpError::Connect("the address".to_owned()))?;
    let headers = access.headers(request.method().as_str(), &url)?;
    request.headers_mut().extend(authorizing(&headers));
    let answer = http.open(request).await?;
    if let Access::Bound { prover, .. } = access {
        prover.nonces.learn(&url, answer.headers());
    }
    Ok(answer)
}

/// Headers that authorize, marked so that no log shows them.
fn authorizing(headers: &Headers) -> HeaderMap {
    let pair = |(name, value): (&String, &secrecy::SecretString)| {
        let name: HeaderName = name.parse().ok()?;
        let mut value = HeaderValue::from_str(value.expose_secret()).ok()?;
        value.set_sensitive(true);
        Some((name, value))
    };
    headers.iter().filter_map(pair).collect()
}
