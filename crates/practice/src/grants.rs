//! Codes, tokens and the grants behind them: what is valid, for whom, and what a second use revokes.
//! Nothing here knows a network or reads a clock; the caller says what time it is.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use crate::{
    authorization::Authorization,
    authorization_code::{AuthorizationCode, Binding, Redemption},
    grant_error::GrantError,
    random::unguessable,
    tally::Tally,
};

#[cfg(test)]
mod tests;

/// What a client presents with a refresh token, and how the server treats it.
pub struct Renewal<'a> {
    /// The client that presents it.
    pub client_id: &'a str,
    /// Fewer scopes than were granted, if the client wants fewer (RFC 6749 §6).
    pub scopes: Option<Vec<String>>,
    /// Whether the refresh token is replaced.
    pub rotates: bool,
    /// The thumbprint of the key that the client has proven to hold.
    pub key: Option<&'a str>,
}

/// Tokens just issued. There is no `Debug`, because nothing should print them.
pub struct Issued {
    /// Opens the MCP server.
    pub access_token: String,
    /// Obtains the next pair.
    pub refresh_token: String,
    /// The scopes of the access token.
    pub scopes: Vec<String>,
}

/// All codes, tokens and grants of one server.
pub struct Grants {
    /// How long access tokens issued from now on are valid.
    pub token_lifetime: Duration,
    /// How long the previous refresh token is accepted once more.
    pub refresh_grace: Duration,
    /// How long every token is at least, in characters: what clients keep may have to be large.
    pub token_length: usize,
    prefix: String,
    grants: Vec<Grant>,
    codes: HashMap<String, AuthorizationCode>,
    access_tokens: HashMap<String, AccessToken>,
    refresh_tokens: HashMap<String, RefreshToken>,
}

struct Grant {
    authorization: Authorization,
    /// The key that its tokens are bound to (RFC 9449 §5).
    key: Option<String>,
    /// How often its refresh token was replaced.
    generation: u64,
    revoked: bool,
    /// When its newest access token was issued.
    issued_at: Instant,
    /// What was counted so far; what follows from elsewhere is put in when it is read.
    tally: Tally,
}

struct AccessToken {
    grant: usize,
    scopes: Vec<String>,
    expires_at: Instant,
    used: bool,
}

struct RefreshToken {
    grant: usize,
    generation: u64,
    used_at: Option<Instant>,
}

impl Grant {
    /// Its newest access token is about to be replaced.
    fn is_replaced(&mut self, now: Instant) {
        let age = u64::try_from(now.saturating_duration_since(self.issued_at).as_millis()).unwrap_or(u64::MAX);
        let youngest = &mut self.tally.youngest_replaced;
        *youngest = Some(youngest.map_or(age, |known| known.min(age)));
    }
}

impl Grants {
    /// No grants yet; every code and token will begin with `prefix`.
    pub fn new(prefix: &str, token_lifetime: Duration, refresh_grace: Duration) -> Self {
        Self {
            token_lifetime,
            refresh_grace,
            token_length: 0,
            prefix: prefix.to_owned(),
            grants: Vec::new(),
            codes: HashMap::new(),
            access_tokens: HashMap::new(),
            refresh_tokens: HashMap::new(),
        }
    }

    /// A code for what was allowed.
    pub fn issue_code(&mut self, authorization: Authorization, binding: Binding, now: Instant) -> String {
        let code = format!("{}-code-{}", self.prefix, unguessable());
        let record = AuthorizationCode::new(authorization, binding, now);
        self.codes.insert(code.clone(), record);
        code
    }

    /// Exchanges a code for tokens, once.
    ///
    /// # Errors
    /// If the code is not good or not for this client; a second use also revokes what the first one issued.
    pub fn redeem(&mut self, code: &str, redemption: &Redemption<'_>, now: Instant) -> Result<Issued, GrantError> {
        let record = self.codes.get_mut(code).ok_or(GrantError::Unknown)?;
        if let Some(grant) = record.spent_on {
            self.grants[grant].revoked = true;
            return Err(GrantError::CodeUsed);
        }
        record.check(redemption, now)?;
        let authorization = record.authorization.clone();
        record.spent_on = Some(self.grants.len());
        Ok(self.grant(authorization, redemption.key.map(str::to_owned), now))
    }

    /// Tokens for what was allowed, bound to this key if there is one.
    pub fn grant(&mut self, authorization: Authorization, key: Option<String>, now: Instant) -> Issued {
        let scopes = authorization.scopes.clone();
        let tally = Tally { client_id: authorization.client_id.clone(), ..Tally::default() };
        self.grants.push(Grant { authorization, key, generation: 0, revoked: false, issued_at: now, tally });
        self.issue(self.grants.len() - 1, scopes, None, now)
    }

    /// A code that stands for nothing yet.
    pub fn device_code(&self) -> String {
        format!("{}-dc-{}", self.prefix, unguessable())
    }

    /// Exchanges a refresh token for a new pair.
    ///
    /// # Errors
    /// If it is not good or not for this client; one that was used before also revokes its grant.
    pub fn refresh(&mut self, token: &str, renewal: Renewal<'_>, now: Instant) -> Result<Issued, GrantError> {
        let record = self.refresh_tokens.get(token).ok_or(GrantError::Unknown)?;
        let (number, generation, used_at) = (record.grant, record.generation, record.used_at);
        let grant = &mut self.grants[number];
        if grant.authorization.client_id != renewal.client_id {
            return Err(GrantError::OtherClient);
        }
        if grant.key.as_deref() != renewal.key {
            return Err(GrantError::OtherKey);
        }
        grant.tally.refreshes += 1;
        if grant.revoked {
            return Err(GrantError::Revoked);
        }
        let is_previous = generation + 1 == grant.generation;
        if used_at.is_some_and(|used_at| !is_previous || now >= used_at + self.refresh_grace) {
            grant.revoked = true;
            grant.tally.reused += 1;
            return Err(GrantError::Reused);
        }
        let scopes = grant.authorization.narrowed(renewal.scopes)?;
        grant.tally.renewed += 1;
        match used_at {
            Some(_) => grant.tally.repeated += 1,
            None => grant.is_replaced(now),
        }
        if !renewal.rotates {
            return Ok(self.issue(number, scopes, Some(token), now));
        }
        grant.generation = generation + 1;
        if let Some(record) = self.refresh_tokens.get_mut(token) {
            record.used_at.get_or_insert(now);
        }
        Ok(self.issue(number, scopes, None, now))
    }

    /// The scopes that were granted with this refresh token, if it is known.
    pub fn scopes_of(&self, refresh_token: &str) -> Option<Vec<String>> {
        let token = self.refresh_tokens.get(refresh_token)?;
        Some(self.grants.get(token.grant)?.authorization.scopes.clone())
    }

    /// What an access token stands for, if it is valid at this moment.
    pub fn bearer(&self, access_token: &str, now: Instant) -> Option<Authorization> {
        let token = self.access_tokens.get(access_token).filter(|token| now < token.expires_at)?;
        let grant = self.grants.get(token.grant).filter(|grant| !grant.revoked)?;
        Some(Authorization { scopes: token.scopes.clone(), ..grant.authorization.clone() })
    }

    /// Counts that this access token was presented, and whether it opened anything.
    pub fn presented(&mut self, access_token: &str, opened: bool) {
        let Some(token) = self.access_tokens.get_mut(access_token) else { return };
        let tally = &mut self.grants[token.grant].tally;
        if opened {
            tally.accepted += 1;
            tally.used += u64::from(!token.used);
            token.used = true;
        } else {
            tally.rejected += 1;
        }
    }

    /// What became of each grant so far, in the order in which they were given.
    pub fn tallies(&self, now: Instant) -> Vec<Tally> {
        let mut tallies: Vec<Tally> =
            self.grants.iter().map(|grant| Tally { revoked: grant.revoked, ..grant.tally.clone() }).collect();
        for token in self.access_tokens.values() {
            tallies[token.grant].expired += u64::from(now >= token.expires_at);
        }
        tallies
    }

    /// The thumbprint of the key that an access token is bound to, if it is.
    pub fn key_of(&self, access_token: &str) -> Option<&str> {
        let token = self.access_tokens.get(access_token)?;
        self.grants.get(token.grant)?.key.as_deref()
    }

    /// Revokes a token of this client: an access token alone, a refresh token with its whole grant (RFC 7009 §2.1).
    pub fn revoke(&mut self, token: &str, client_id: &str) {
        if let Some(grant) = self.access_tokens.get(token).map(|token| token.grant) {
            if self.grants[grant].authorization.client_id == client_id {
                self.access_tokens.remove(token);
            }
        } else if let Some(token) = self.refresh_tokens.get(token) {
            let grant = &mut self.grants[token.grant];
            grant.revoked |= grant.authorization.client_id == client_id;
        }
    }

    /// Revokes the grant of this number, counted from 0 in the order in which they were given.
    pub fn revoke_one(&mut self, number: usize) {
        if let Some(grant) = self.grants.get_mut(number) {
            grant.revoked = true;
        }
    }

    /// Revokes every grant.
    pub fn revoke_all(&mut self) {
        for grant in &mut self.grants {
            grant.revoked = true;
        }
    }

    /// Makes every access token issued so far expire now; refresh tokens stay good.
    pub fn expire_all(&mut self, now: Instant) {
        for token in self.access_tokens.values_mut() {
            token.expires_at = token.expires_at.min(now);
        }
    }

    /// A new access token, and a new refresh token unless one is kept.
    fn issue(&mut self, grant: usize, scopes: Vec<String>, kept: Option<&str>, now: Instant) -> Issued {
        let access_token = self.token("at");
        let expires_at = now + self.token_lifetime;
        let token = AccessToken { grant, scopes: scopes.clone(), expires_at, used: false };
        self.access_tokens.insert(access_token.clone(), token);
        (self.grants[grant].issued_at, self.grants[grant].tally.issued) = (now, self.grants[grant].tally.issued + 1);
        let refresh_token = kept.map_or_else(|| self.issue_refresh_token(grant), str::to_owned);
        Issued { access_token, refresh_token, scopes }
    }

    /// A new token of this sort, filled up to its length.
    fn token(&self, sort: &str) -> String {
        let token = format!("{}-{sort}-{}", self.prefix, unguessable());
        format!("{token:x<length$}", length = self.token_length)
    }

    fn issue_refresh_token(&mut self, grant: usize) -> String {
        let refresh_token = self.token("rt");
        let generation = self.grants[grant].generation;
        self.refresh_tokens.insert(refresh_token.clone(), RefreshToken { grant, generation, used_at: None });
        refresh_token
    }
}
