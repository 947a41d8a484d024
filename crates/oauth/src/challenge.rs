//! What a `WWW-Authenticate` header says (RFC 9110 §11.6.1, RFC 6750 §3, RFC 9728 §5.1).

/// One challenge: a scheme with its parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Challenge {
    scheme: String,
    parameters: Vec<(String, String)>,
}

impl Challenge {
    /// The challenges of all `WWW-Authenticate` lines, in order. What can't be parsed is left out.
    pub fn parse_all<'a>(lines: impl IntoIterator<Item = &'a str>) -> Vec<Challenge> {
        lines.into_iter().flat_map(|line| Parser { rest: line }.challenges()).collect()
    }

    /// The challenge that asks for an OAuth token: the first of scheme `Bearer`, else of scheme `DPoP` (RFC 9449 §7.1).
    pub fn for_token<'a>(lines: impl IntoIterator<Item = &'a str>) -> Option<Challenge> {
        let challenges = Challenge::parse_all(lines);
        let of = |scheme: &str| challenges.iter().find(|challenge| challenge.is_scheme(scheme)).cloned();
        of("Bearer").or_else(|| of("DPoP"))
    }

    /// Whether it is of this scheme; schemes ignore case.
    pub fn is_scheme(&self, scheme: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(scheme)
    }

    /// The scheme as it was written.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// All parameters with their names as they were written, in order.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The value of a parameter; names ignore case.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Where the protected resource metadata lies (RFC 9728 §5.1, `DISC-3`).
    pub fn resource_metadata(&self) -> Option<&str> {
        self.parameter("resource_metadata")
    }

    /// The scopes that the operation needs (RFC 6750 §3, `AUTHZ-10`).
    pub fn scopes(&self) -> Vec<String> {
        bounded(self.parameter("scope").unwrap_or_default().split_ascii_whitespace().map(str::to_owned))
    }

    /// Such as `invalid_token` or `insufficient_scope` (RFC 6750 §3.1).
    pub fn error(&self) -> Option<&str> {
        self.parameter("error")
    }
}

/// Scopes as RFC 6749 §3.3 allows them, and no more than any server means seriously.
pub(crate) fn bounded(scopes: impl IntoIterator<Item = String>) -> Vec<String> {
    let fits = |scope: &String| {
        (1..=256).contains(&scope.len()) && scope.bytes().all(|c| c.is_ascii_graphic() && c != b'"' && c != b'\\')
    };
    scopes.into_iter().filter(fits).take(100).collect()
}

/// Reads `challenge = scheme [ 1*SP ( token68 / #auth-param ) ]`, challenges separated by commas. A comma separates
/// parameters as well, so after each one the next word decides: `name =` goes on, a bare word begins a challenge.
struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn challenges(mut self) -> Vec<Challenge> {
        let mut challenges = Vec::new();
        loop {
            self.skip(|c| c == ',' || is_space(c));
            let Some(scheme) = self.token() else { return challenges };
            let mut challenge = Challenge { scheme, parameters: Vec::new() };
            self.parameters(&mut challenge);
            challenges.push(challenge);
        }
    }

    fn parameters(&mut self, challenge: &mut Challenge) {
        loop {
            let before = self.rest;
            self.skip(|c| c == ',' || is_space(c));
            let Some(name) = self.token() else {
                // A token68 or rubbish: leave it, up to the next comma.
                return self.skip(|c| c != ',');
            };
            self.skip(is_space);
            let Some(rest) = self.rest.strip_prefix('=') else {
                self.rest = before;
                return;
            };
            self.rest = rest;
            self.skip(is_space);
            match self.value() {
                Some(value) => challenge.parameters.push((name, value)),
                None => return self.skip(|c| c != ','),
            }
        }
    }

    fn value(&mut self) -> Option<String> {
        let Some(quoted) = self.rest.strip_prefix('"') else { return self.token() };
        let mut value = String::new();
        let mut chars = quoted.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.rest = &quoted[at + 1..];
                    return Some(value);
                }
                '\\' => value.push(chars.next()?.1),
                _ => value.push(c),
            }
        }
        None
    }

    fn token(&mut self) -> Option<String> {
        let end = self.rest.find(|c: char| !is_token(c)).unwrap_or(self.rest.len());
        let (token, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!token.is_empty()).then(|| token.to_owned())
    }

    fn skip(&mut self, what: impl Fn(char) -> bool) {
        self.rest = self.rest.trim_start_matches(what);
    }
}

fn is_space(c: char) -> bool {
    c == ' ' || c == '\t'
}

/// `tchar` of RFC 9110 §5.6.2; a few servers leave URLs unquoted, so `/` and `:` pass too.
fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~/:".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The challenges as `Scheme name=value name=value`.
    fn check(header: &str, expected: &[&str]) {
        let found: Vec<String> = Challenge::parse_all([header])
            .iter()
            .map(|c| c.parameters.iter().fold(c.scheme.clone(), |text, (n, v)| format!("{text} {n}={v}")))
            .collect();
        assert_eq!(found, expected, "{header}");
    }

    #[test]
    fn challenges_are_read_as_servers_write_them() {
        check("Bearer", &["Bearer"]);
        check(r#"Bearer realm="a, b", scope="x y""#, &["Bearer realm=a, b scope=x y"]);
        check(
            r#"bearer error=invalid_token,resource_metadata="https://x/y?z=1""#,
            &["bearer error=invalid_token resource_metadata=https://x/y?z=1"],
        );
        check(
            r#"Basic realm="old", Bearer resource_metadata="https://x""#,
            &["Basic realm=old", "Bearer resource_metadata=https://x"],
        );
        check(r#"Negotiate abc==, Bearer scope="s""#, &["Negotiate", "Bearer scope=s"]);
        check(r#"Bearer realm="say \"hi\"" , scope = "s""#, &[r#"Bearer realm=say "hi" scope=s"#]);
        check("Bearer resource_metadata=https://x/y", &["Bearer resource_metadata=https://x/y"]);
        check(r#", ,Bearer realm="never closed"#, &["Bearer"]);
        check("", &[]);
        check("=,=;\u{7f}", &[]);
    }

    #[test]
    fn the_challenge_for_a_token_is_found_among_lines_and_gives_its_parameters() {
        let lines = [r#"Basic realm="x""#, r#"Bearer Scope="a  b", error="insufficient_scope""#];
        let challenge = Challenge::for_token(lines).expect("there is one");
        assert_eq!((challenge.scopes(), challenge.error()), (vec!["a".into(), "b".into()], Some("insufficient_scope")));
        let both = [r#"DPoP algs="ES256""#, "Bearer"];
        let is_bound = |lines: &[&str]| Challenge::for_token(lines.iter().copied()).map(|c| c.is_scheme("dpop"));
        assert_eq!([is_bound(&both), is_bound(&both[..1]), is_bound(&[])], [Some(false), Some(true), None]);
    }
}
