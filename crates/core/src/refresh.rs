//! When a token is good, when it is renewed, what a failed renewal means. Pure rules; `account` acts on them.

use crate::vault::record::TokenRecord;
use jiff::{SignedDuration, Timestamp};
use keybearer_oauth::HttpError;
use keybearer_oauth::token_answer::TokenError;

/// A token is never handed out in its last second.
const LAST_SECOND: SignedDuration = SignedDuration::from_secs(1);
/// A token counts as ended this long before its end, or half its lifetime before it, if it can be renewed.
const MARGIN: SignedDuration = SignedDuration::from_secs(60);

/// What a caller wants of a token.
#[derive(Clone, Copy, Debug, Default)]
pub struct Want {
    /// How long it must still be good; at most half its lifetime counts, or a short-lived token would be renewed by
    /// every call.
    pub min_ttl: SignedDuration,
    /// Renew it even if it looks good.
    pub force: bool,
}

/// What to do about a token now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Hand it out.
    Serve,
    /// Hand it out, and renew it meanwhile.
    ServeAndRefresh,
    /// Renew it first; if that fails for now, [`is_usable`] decides.
    Refresh,
    /// Only the user can help.
    SignIn,
}

/// Decides about a token. `refused` tells that the server was reported to refuse it.
pub fn decide(now: Timestamp, tokens: &TokenRecord, refused: bool, want: Want) -> Decision {
    if !tokens.is_renewable() {
        return if is_usable(now, tokens, refused) { Decision::Serve } else { Decision::SignIn };
    }
    let Some(left) = left(now, tokens) else {
        return if refused || want.force { Decision::Refresh } else { Decision::Serve };
    };
    let lifetime = lifetime(tokens);
    let margin = MARGIN.min(lifetime / 2);
    let wanted = want.min_ttl.min(lifetime / 2).max(margin).max(LAST_SECOND);
    // The clock was set back behind the token's birth: what it says of the end is worth nothing.
    let impossible = left > lifetime + MARGIN;
    if refused || want.force || left <= wanted || impossible {
        Decision::Refresh
    } else if left <= ahead(lifetime) {
        Decision::ServeAndRefresh
    } else {
        Decision::Serve
    }
}

/// Whether the token can be handed out although it could not be renewed: until one second before its end.
pub fn is_usable(now: Timestamp, tokens: &TokenRecord, refused: bool) -> bool {
    !refused && left(now, tokens).is_none_or(|left| left > LAST_SECOND)
}

/// When a call would first renew the token, if it can be renewed and its end is known.
pub fn renews_at(tokens: &TokenRecord) -> Option<Timestamp> {
    let ahead = ahead(lifetime(tokens));
    tokens.expires_at.filter(|_| tokens.is_renewable()).and_then(|end| end.checked_sub(ahead).ok())
}

/// How long before its end a token of this lifetime is renewed.
fn ahead(lifetime: SignedDuration) -> SignedDuration {
    MARGIN.min(lifetime / 2).max(lifetime / 5)
}

/// What a failed renewal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Nothing happened; try again later with the same refresh token.
    Transient,
    /// The server may have acted: try again at once, to be inside the grace that some servers give.
    Ambiguous,
    /// The authorization server doesn't renew this set any more.
    Rejected,
}

/// Puts a failed renewal into its class.
pub fn classify(error: &TokenError) -> Failure {
    match error {
        TokenError::Http(HttpError::Timeout(_) | HttpError::Broken(_)) => Failure::Ambiguous,
        TokenError::Http(_)
        | TokenError::Malformed { .. }
        | TokenError::UnknownType { .. }
        | TokenError::Unusable { .. } => Failure::Transient,
        // The server has acted, and will act like that again.
        TokenError::Unbound(_) | TokenError::StrangelyBound(_) => Failure::Rejected,
        TokenError::Refused { error, .. } => match error.as_str() {
            "invalid_grant" | "invalid_client" | "unauthorized_client" | "invalid_target" | "invalid_scope" => {
                Failure::Rejected
            }
            _ => Failure::Transient,
        },
    }
}

/// Whether the authorization server doesn't know the client any more, or not for this.
pub fn forgets_client(error: &TokenError) -> bool {
    matches!(error, TokenError::Refused { error, .. } if matches!(error.as_str(), "invalid_client" | "unauthorized_client"))
}

fn left(now: Timestamp, tokens: &TokenRecord) -> Option<SignedDuration> {
    Some(tokens.expires_at?.duration_since(now))
}

fn lifetime(tokens: &TokenRecord) -> SignedDuration {
    let whole = tokens.expires_at.map(|end| end.duration_since(tokens.received_at));
    whole.unwrap_or(SignedDuration::ZERO).max(SignedDuration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(lifetime: Option<i64>, renewable: bool) -> TokenRecord {
        let received_at = Timestamp::from_second(1_000_000).expect("a time");
        let address = "https://as.example/token".parse().expect("an address");
        TokenRecord {
            access_token: "a".to_owned().into(),
            refresh_token: renewable.then(|| "r".to_owned().into()),
            received_at,
            expires_at: lifetime.map(|seconds| received_at + SignedDuration::from_secs(seconds)),
            scopes: vec![],
            omits_resource: false,
            resource: "https://mcp.example".into(),
            issuer: "https://as.example".into(),
            token_endpoint: address,
            revocation_endpoint: None,
            signed_in_at: received_at,
            refresh_rejected: None,
            unattended: false,
            extra: Default::default(),
            dpop_key: None,
        }
    }

    /// The decision `age` milliseconds after the token was received, for a caller who wants 60 s.
    fn check(lifetime: Option<i64>, renewable: bool, age: i64, expected: Decision) {
        let tokens = tokens(lifetime, renewable);
        let now = tokens.received_at + SignedDuration::from_millis(age);
        let want = Want { min_ttl: SignedDuration::from_secs(60), force: false };
        assert_eq!(decide(now, &tokens, false, want), expected, "lifetime {lifetime:?}, age {age} ms");
    }

    #[test]
    fn an_hour_is_renewed_in_its_last_fifth_and_waited_for_in_its_last_minute() {
        check(Some(3600), true, 0, Decision::Serve);
        check(Some(3600), true, 2_879_000, Decision::Serve);
        check(Some(3600), true, 2_881_000, Decision::ServeAndRefresh);
        check(Some(3600), true, 3_539_000, Decision::ServeAndRefresh);
        check(Some(3600), true, 3_541_000, Decision::Refresh);
        check(Some(3600), true, 9_999_000, Decision::Refresh);
    }

    #[test]
    fn a_short_token_is_not_renewed_by_every_call_and_is_renewed_at_half_its_life() {
        check(Some(5), true, 0, Decision::Serve);
        check(Some(5), true, 2_400, Decision::Serve);
        check(Some(5), true, 2_600, Decision::Refresh);
    }

    #[test]
    fn without_renewal_a_token_serves_until_its_last_second() {
        check(Some(3600), false, 3_598_900, Decision::Serve);
        check(Some(3600), false, 3_599_100, Decision::SignIn);
        check(None, false, 999_999_000, Decision::Serve);
        check(None, true, 999_999_000, Decision::Serve);
    }

    #[test]
    fn a_refused_token_is_never_served_again() {
        let now = tokens(Some(3600), true).received_at;
        let decide = |lifetime, renewable| decide(now, &tokens(lifetime, renewable), true, Want::default());
        assert_eq!([decide(Some(3600), true), decide(None, true)], [Decision::Refresh; 2]);
        assert_eq!([decide(Some(3600), false), decide(None, false)], [Decision::SignIn; 2]);
    }

    #[test]
    fn a_clock_set_back_leads_to_a_renewal() {
        check(Some(3600), true, -7_200_000, Decision::Refresh);
    }
}
