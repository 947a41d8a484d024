//! What happens to grants when codes and tokens are used once, twice, late, or by somebody else.

use std::time::{Duration, Instant};

use super::{Grants, Issued, Renewal};
use crate::{
    authorization::{Account, Authorization},
    authorization_code::{Binding, Redemption, s256},
    grant_error::GrantError,
};

const VERIFIER: &str = "a-verifier-of-at-least-forty-three-letters-x";
const REDIRECT: &str = "com.example.app:/callback";

#[test]
fn a_code_works_once_and_a_second_use_revokes_its_tokens() {
    let (mut grants, now) = (fresh(0), Instant::now());
    let code = code(&mut grants, now);
    let issued = redeem(&mut grants, &code, VERIFIER, now).expect("the code is good");
    assert!(grants.bearer(&issued.access_token, now).is_some());
    assert_eq!(redeem(&mut grants, &code, VERIFIER, now).err(), Some(GrantError::CodeUsed));
    assert!(grants.bearer(&issued.access_token, now).is_none());
    assert_eq!(refresh(&mut grants, &issued.refresh_token, now).err(), Some(GrantError::Revoked));
}

#[test]
fn a_code_is_bound_to_time_and_verifier() {
    let (mut grants, now) = (fresh(0), Instant::now());
    let code = code(&mut grants, now);
    assert_eq!(redeem(&mut grants, &code, "another", now).err(), Some(GrantError::WrongVerifier));
    assert_eq!(redeem(&mut grants, &code, VERIFIER, now + seconds(60)).err(), Some(GrantError::CodeExpired));
    assert!(redeem(&mut grants, &code, VERIFIER, now + seconds(59)).is_ok());
}

#[test]
fn a_refresh_token_used_twice_revokes_the_whole_family() {
    let (mut grants, now) = (fresh(0), Instant::now());
    let first = signed_in(&mut grants, now);
    let second = refresh(&mut grants, &first.refresh_token, now).expect("the token is new");
    assert!(grants.bearer(&first.access_token, now).is_some(), "a refresh leaves older access tokens alone");
    assert_eq!(refresh(&mut grants, &first.refresh_token, now).err(), Some(GrantError::Reused));
    assert_eq!(refresh(&mut grants, &second.refresh_token, now).err(), Some(GrantError::Revoked));
    assert!(grants.bearer(&second.access_token, now).is_none());
}

#[test]
fn within_the_grace_only_the_previous_token_is_accepted_again() {
    let (mut grants, now) = (fresh(10), Instant::now());
    let first = signed_in(&mut grants, now);
    let lost = refresh(&mut grants, &first.refresh_token, now);
    assert!(lost.is_ok());
    let again = refresh(&mut grants, &first.refresh_token, now + seconds(9)).expect("the grace lasts");
    let third = refresh(&mut grants, &again.refresh_token, now + seconds(9));
    assert!(third.is_ok());
    assert_eq!(refresh(&mut grants, &first.refresh_token, now + seconds(9)).err(), Some(GrantError::Reused));

    let other = signed_in(&mut grants, now);
    assert!(refresh(&mut grants, &other.refresh_token, now).is_ok());
    assert_eq!(refresh(&mut grants, &other.refresh_token, now + seconds(10)).err(), Some(GrantError::Reused));
}

#[test]
fn tokens_expire_and_are_revoked() {
    let (mut grants, now) = (fresh(0), Instant::now());
    let first = signed_in(&mut grants, now);
    assert!(grants.bearer(&first.access_token, now + seconds(99)).is_some());
    assert!(grants.bearer(&first.access_token, now + seconds(100)).is_none());

    grants.revoke(&first.refresh_token, "somebody else");
    assert!(grants.bearer(&first.access_token, now).is_some());
    grants.expire_all(now);
    assert!(grants.bearer(&first.access_token, now).is_none());
    let second = refresh(&mut grants, &first.refresh_token, now).expect("only access tokens expired");
    grants.revoke(&second.refresh_token, "client");
    assert!(grants.bearer(&second.access_token, now).is_none());

    let third = signed_in(&mut grants, now);
    grants.revoke(&third.access_token, "client");
    assert!(grants.bearer(&third.access_token, now).is_none());
    assert!(refresh(&mut grants, &third.refresh_token, now).is_ok(), "an access token is revoked alone");
}

#[test]
fn a_refresh_can_narrow_the_scopes_but_not_widen_them() {
    let (mut grants, now) = (fresh(0), Instant::now());
    let issued = signed_in(&mut grants, now);
    let mut with_scope = |token: &str, scope: &str| {
        let renewal = Renewal { client_id: "client", scopes: Some(vec![scope.to_owned()]), rotates: true, key: None };
        grants.refresh(token, renewal, now)
    };
    assert_eq!(with_scope(&issued.refresh_token, "mcp:admin").err(), Some(GrantError::ScopeExceeded));
    let narrowed = with_scope(&issued.refresh_token, "mcp:read").expect("the refused refresh spent nothing");
    assert_eq!(narrowed.scopes, ["mcp:read"]);
}

fn fresh(grace: u64) -> Grants {
    Grants::new("test", seconds(100), seconds(grace))
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn code(grants: &mut Grants, now: Instant) -> String {
    let scopes = vec!["mcp:tools".to_owned(), "mcp:read".to_owned()];
    let authorization = Authorization { client_id: "client".to_owned(), account: Account::Ada, scopes };
    let binding = Binding { redirect_uri: REDIRECT.to_owned(), code_challenge: s256(VERIFIER), key: None };
    grants.issue_code(authorization, binding, now)
}

fn redeem(grants: &mut Grants, code: &str, code_verifier: &str, now: Instant) -> Result<Issued, GrantError> {
    grants.redeem(code, &Redemption { client_id: "client", redirect_uri: REDIRECT, code_verifier, key: None }, now)
}

fn refresh(grants: &mut Grants, token: &str, now: Instant) -> Result<Issued, GrantError> {
    grants.refresh(token, Renewal { client_id: "client", scopes: None, rotates: true, key: None }, now)
}

fn signed_in(grants: &mut Grants, now: Instant) -> Issued {
    let code = code(grants, now);
    redeem(grants, &code, VERIFIER, now).expect("the code is good")
}
