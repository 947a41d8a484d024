//! When a token is good, when it is renewed, what a failed renewal means. Pure rules; `account` acts on them.

use crate::vault::record::TokenRecord;
use jiff::{SignedDuration, Timestamp};
use keybearer_oauth::HttpError;
use keybearer_oauth::token_answer::TokenError;
use std::hash::{DefaultHasher, Hash, Hasher};

/// A token is never handed out in its last second, nor in the second half of a life that is shorter than two.
const LAST_SECOND: SignedDuration = SignedDuration::from_secs(1);
/// A token counts as ended this long before its end, or half its lifetime before it, if it can be renewed.
const MARGIN: SignedDuration = SignedDuration::from_secs(60);
/// The longest that a refresh token lies unused. Each renewal of a set that nobody wants risks a rotated token for nothing,
/// and asks a server for nothing; but many servers end a grant that wasn't used for some days or weeks, and a person would
/// have to sign in again. Once a day is seldom enough for the first, and often enough for the second.
const LONGEST_REST: SignedDuration = SignedDuration::from_hours(24);

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
    let wanted = want.min_ttl.min(lifetime / 2).max(margin).max(last_moment(lifetime));
    if refused || want.force || left <= wanted || is_from_the_future(now, tokens) {
        Decision::Refresh
    } else {
        Decision::Serve
    }
}

/// Whether the token can be handed out although it could not be renewed: until one second before its end.
pub fn is_usable(now: Timestamp, tokens: &TokenRecord, refused: bool) -> bool {
    !refused && left(now, tokens).is_none_or(|left| left > last_moment(lifetime(tokens)))
}

/// When the agent renews a set by itself, if it does: ahead of the access token's end if somebody has `used` it since it
/// was received, so that whoever comes next needn't wait; and at least once a day. `chance`, between 0
/// and 1, spreads the sets that were received together over a tenth of that margin: earlier, never later.
pub fn renews_at(now: Timestamp, tokens: &TokenRecord, used: bool, chance: f64) -> Option<Timestamp> {
    if !tokens.is_renewable() {
        return None;
    }
    if is_from_the_future(now, tokens) {
        // One that nobody uses can wait until the clock is right.
        return used.then_some(now);
    }
    let earlier = |margin: SignedDuration| margin + (margin / 10).mul_f64(chance);
    let ahead =
        tokens.expires_at.filter(|_| used).and_then(|end| end.checked_sub(earlier(ahead(lifetime(tokens)))).ok());
    // What is granted without a person is no grant that could end.
    let rests = tokens.refresh_token.as_ref().map(|_| LONGEST_REST - (LONGEST_REST / 10).mul_f64(chance));
    let rested = rests.and_then(|rests| tokens.received_at.checked_add(rests).ok());
    ahead.into_iter().chain(rested).min()
}

/// A number from 0 to 1 that is always the same for the same thing, and as good as chance.
pub fn chance(of: impl Hash) -> f64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    let number = u32::try_from(hasher.finish() >> 32).unwrap_or(u32::MAX);
    f64::from(number) / f64::from(u32::MAX)
}

/// How long before its end a token of this lifetime is renewed.
fn ahead(lifetime: SignedDuration) -> SignedDuration {
    MARGIN.min(lifetime / 2).max(lifetime / 5)
}

/// The end of a token's life, in which it might end on its way.
fn last_moment(lifetime: SignedDuration) -> SignedDuration {
    LAST_SECOND.min(lifetime / 2)
}

/// Whether the clock was set back behind the token's birth: what it says of the end is worth nothing.
fn is_from_the_future(now: Timestamp, tokens: &TokenRecord) -> bool {
    tokens.received_at.duration_since(now) > MARGIN
}

/// What a failed renewal means. Nothing is deleted by any of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Nothing happened, or nothing that would be mended by haste; try again later with the same refresh token.
    Transient,
    /// The server may have acted: try again at once, to be inside the grace that some servers give.
    Ambiguous,
    /// The authorization server doesn't renew this set any more: only a person can help.
    Rejected,
}

/// Puts a failed renewal into its class.
pub fn classify(error: &TokenError) -> Failure {
    match error {
        TokenError::Http(error) => classify_http(error),
        // The server has acted, and its answer is as lost as if the connection had broken.
        TokenError::Malformed { .. } | TokenError::UnknownType { .. } | TokenError::Unusable { .. } => {
            Failure::Ambiguous
        }
        // The server has acted, and will act like that again.
        TokenError::Unbound(_) | TokenError::StrangelyBound(_) => Failure::Rejected,
        TokenError::Refused { error, .. } => classify_refusal(error),
    }
}

fn classify_http(error: &HttpError) -> Failure {
    match error {
        // Nothing came back, or something that can't be read as an answer.
        HttpError::Timeout(_) | HttpError::Broken(_) | HttpError::NotJson { .. } | HttpError::TooLarge(_) => {
            Failure::Ambiguous
        }
        // A gateway that lost the answer of the server behind it (RFC 9110 §15.6.3, §15.6.5).
        HttpError::Status { status: 502 | 504, .. } => Failure::Ambiguous,
        // Nothing was sent, or the server says that it hasn't acted.
        HttpError::NotAllowed(_)
        | HttpError::TooNear { .. }
        | HttpError::Dns(_)
        | HttpError::Connect(_)
        | HttpError::Tls { .. }
        | HttpError::Status { .. }
        | HttpError::Unusable(_) => Failure::Transient,
    }
}

/// What the error code of a refusal means. A code that says nothing clear of grant or client is no reason to send a person
/// through a sign-in: the set is kept and asked for again, ever more seldom.
fn classify_refusal(code: &str) -> Failure {
    match code {
        // RFC 6749 §5.2: the grant or the client is no good any more, or not for this.
        "invalid_grant" | "invalid_client" | "unauthorized_client" | "unsupported_grant_type" | "invalid_scope"
        // RFC 8707 §2.
        | "invalid_target"
        // RFC 6749 §4.1.2.1 and RFC 8628 §3.5, where a token endpoint says them of a refresh token.
        | "access_denied" | "expired_token"
        // OpenID Connect Core §3.1.2.6, said by Entra ID at its token endpoint too: a person has to come.
        | "interaction_required" | "login_required" | "consent_required"
        // `invalid_grant` as GitHub and Slack say it.
        | "bad_refresh_token" | "invalid_refresh_token" => Failure::Rejected,
        // Among the rest: `temporarily_unavailable` and `server_error` (RFC 6749 §4.1.2.1), `slow_down` (RFC 8628 §3.5),
        // `use_dpop_nonce` and `invalid_dpop_proof`, which may be a wrong clock (RFC 9449 §5, §8), and `invalid_request`.
        _ => Failure::Transient,
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
            signed_in_as: None,
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
    fn an_hour_is_served_until_its_last_minute() {
        check(Some(3600), true, 0, Decision::Serve);
        check(Some(3600), true, 3_539_000, Decision::Serve);
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
    fn a_clock_set_back_behind_the_birth_leads_to_a_renewal() {
        check(Some(3600), true, -7_200_000, Decision::Refresh);
        check(Some(3600), true, -30_000, Decision::Serve);
        let token = tokens(Some(3600), true);
        let early = token.received_at - SignedDuration::from_hours(2);
        assert_eq!([true, false].map(|used| renews_at(early, &token, used, 0.0)), [Some(early), None]);
    }

    #[test]
    fn the_shortest_lives_are_served_and_the_longest_do_not_overflow() {
        check(Some(1), true, 0, Decision::Serve);
        check(Some(1), true, 600, Decision::Refresh);
        check(Some(1), false, 400, Decision::Serve);
        check(Some(1), false, 600, Decision::SignIn);
        check(Some(3_155_760_000), true, 0, Decision::Serve);
        assert_eq!(ahead_of_end(3_155_760_000, 0.5), Some(3_155_760_000 / 5 + 3_155_760_000 / 100));
    }

    /// How many seconds before its end a token of this lifetime is renewed that somebody has used; there is no refresh
    /// token, so nothing else counts.
    fn ahead_of_end(lifetime: i64, chance: f64) -> Option<i64> {
        let tokens = TokenRecord { unattended: true, ..tokens(Some(lifetime), false) };
        let at = renews_at(tokens.received_at, &tokens, true, chance)?;
        Some(tokens.expires_at?.duration_since(at).as_secs())
    }

    #[test]
    fn a_used_token_is_renewed_ahead_of_its_end_and_chance_makes_it_earlier_by_a_tenth_at_most() {
        for (lifetime, margin) in [(4, 2), (100, 50), (120, 60), (300, 60), (600, 120), (3600, 720)] {
            assert_eq!(ahead_of_end(lifetime, 0.0), Some(margin), "{lifetime}");
            assert_eq!(ahead_of_end(lifetime, 1.0), Some(margin + margin / 10), "{lifetime}");
        }
    }

    #[test]
    fn what_nobody_uses_is_left_alone_for_a_day_at_most() {
        let hours = |tokens: &TokenRecord, used, chance| {
            let at = renews_at(tokens.received_at, tokens, used, chance)?;
            Some(at.duration_since(tokens.received_at).as_secs_f64() / 3600.0)
        };
        let (hour, month) = (tokens(Some(3600), true), tokens(Some(30 * 86_400), true));
        assert_eq!([0.0, 1.0].map(|chance| hours(&hour, false, chance)), [Some(24.0), Some(21.6)]);
        assert_eq!([false, true].map(|used| hours(&month, used, 0.0)), [Some(24.0); 2]);
        assert_eq!(hours(&hour, true, 0.0), Some(0.8));
        assert_eq!(hours(&tokens(None, true), true, 0.0), Some(24.0));
        // Without a person there is no grant to keep, and without renewal nothing to do.
        let unattended = TokenRecord { unattended: true, ..tokens(Some(3600), false) };
        assert_eq!([true, false].map(|used| hours(&unattended, used, 0.0)), [Some(0.8), None]);
        let rejected = TokenRecord { refresh_rejected: Some("no".to_owned()), ..hour };
        assert_eq!([&rejected, &tokens(Some(3600), false)].map(|tokens| hours(tokens, true, 0.0)), [None; 2]);
    }

    #[test]
    fn chance_is_the_same_for_the_same_and_spread_over_others() {
        assert_eq!(chance(("a", 1)), chance(("a", 1)));
        let all: Vec<f64> = (0..1000).map(|generation| chance(("a", generation))).collect();
        assert!(all.iter().all(|number| (0.0..=1.0).contains(number)));
        for tenth in 0..10 {
            let within = |number: &&f64| (**number * 10.0).min(9.0) as usize == tenth;
            assert!((60..140).contains(&all.iter().filter(within).count()), "{tenth}");
        }
    }

    fn refused(code: &str) -> TokenError {
        TokenError::Refused { host: "as".to_owned(), error: code.to_owned(), description: None }
    }

    #[test]
    fn only_what_says_so_clearly_costs_a_sign_in() {
        let grant = ["invalid_grant", "bad_refresh_token", "invalid_refresh_token", "expired_token", "access_denied"];
        let client =
            ["invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_scope", "invalid_target"];
        for code in [&grant[..], &client, &["interaction_required", "login_required", "consent_required"]].concat() {
            assert_eq!(classify(&refused(code)), Failure::Rejected, "{code}");
        }
        let passing = ["temporarily_unavailable", "server_error", "slow_down", "use_dpop_nonce", "invalid_dpop_proof"];
        for code in [&passing[..], &["invalid_request", "authorization_pending", "", "odd"]].concat() {
            assert_eq!(classify(&refused(code)), Failure::Transient, "{code}");
        }
    }

    #[test]
    fn what_the_server_may_have_done_is_asked_for_again_at_once() {
        let host = || "as".to_owned();
        let status = |status| HttpError::status(host(), status);
        let not_json = HttpError::NotJson { host: host(), problem: String::new() };
        let lost = [HttpError::Timeout(host()), HttpError::Broken(host()), not_json, HttpError::TooLarge(host())];
        for error in lost.into_iter().chain([502, 504].map(status)) {
            assert_eq!(classify(&error.clone().into()), Failure::Ambiguous, "{error}");
        }
        let problem = "is empty";
        assert_eq!(classify(&TokenError::Unusable { host: host(), problem }), Failure::Ambiguous);
        assert_eq!(classify(&TokenError::Malformed { host: host(), problem: problem.to_owned() }), Failure::Ambiguous);
        let unsent = [HttpError::Dns(host()), HttpError::Connect(host())];
        for error in unsent.into_iter().chain([401, 403, 404, 408, 425, 429, 500, 503].map(status)) {
            assert_eq!(classify(&error.clone().into()), Failure::Transient, "{error}");
        }
        assert_eq!(classify(&TokenError::Unbound(host())), Failure::Rejected);
    }
}
