//! Adding, changing, listing, showing, removing and renaming accounts.

use crate::arguments::{AddArguments, Approvals, ChangeArguments, Named, SignInArguments};
use crate::clients::{scan, uses};
use crate::connection::Reach;
use crate::output::{Failure, answer, answer_json, note, quoted, words};
use crate::sign_in;
use crate::undo::offer;
use keybearer_ipc::client::Client;
use keybearer_protocol::account::{AccountApproval, AccountApprovalParams};
use keybearer_protocol::clients::ClientView;
use keybearer_protocol::profile::{
    AccountStatus, AccountView, IdentityProvider, ProfileAdd, ProfileAddParams, ProfileName, ProfileRemove,
    ProfileRename, ProfileRenameParams, ProfileShow, ProfileUpdate, ProfileUpdateParams,
};
use keybearer_protocol::settings::Approval;
use keybearer_protocol::{Door, ErrorCode, ErrorObject};
use secrecy::{ExposeSecret, SecretString};
use std::io::{self, Read};

/// The most that a secret on standard input may hold, in bytes.
const SECRET_LIMIT: u64 = 16 * 1024;

/// `keybearer add`
pub(crate) fn add(reach: &Reach, arguments: AddArguments, json: bool) -> Result<(), Failure> {
    let (secret, subject_token) = read_secrets(arguments.secret_stdin, arguments.subject_token_stdin)?;
    let idp = arguments.idp.zip(arguments.idp_client_id);
    // It means the same wherever the agent was started.
    let assertion_file = arguments.assertion_file.map(|path| std::path::absolute(&path).unwrap_or(path));
    let params = ProfileAddParams {
        url: arguments.url,
        name: arguments.name,
        auth: arguments.auth,
        client_id: arguments.client_id,
        issuer: arguments.issuer,
        redirect_uri: arguments.redirect_uri,
        scopes: arguments.scopes,
        parameters: arguments.parameters.into_iter().collect(),
        omit_resource: arguments.no_resource,
        exceptions: arguments.exceptions,
        header: arguments.header,
        username: arguments.username,
        assertion_file: assertion_file.map(|path| path.to_string_lossy().into_owned()),
        identity_provider: idp.map(|(issuer, client_id)| IdentityProvider { issuer, client_id, token_endpoint: None }),
        secret,
        subject_token,
    };
    let account = reach.open(Door::Admin)?.call::<ProfileAdd>(&params)?;
    // What a locked keyring holds is not known: the sign-in will say that it is locked.
    let needs_sign_in =
        account.auth.signs_in() && matches!(account.status, AccountStatus::NeedsSignIn | AccountStatus::Locked);
    if needs_sign_in && !arguments.no_sign_in {
        return sign_in::sign_in(reach, &SignInArguments::of(&account.profile, arguments.no_browser), json).map_err(
            |failure| {
                let kept = format!("{} was added; its sign-in failed: {}", account.profile, failure.0.message);
                Failure(ErrorObject { message: kept, ..failure.0 })
            },
        );
    }
    if json { answer_json(&account) } else { answer(&format!("{} was added", account.profile)) }
}

/// `keybearer change`
pub(crate) fn change(reach: &Reach, arguments: ChangeArguments, json: bool) -> Result<(), Failure> {
    let (secret, subject_token) = read_secrets(arguments.secret_stdin, arguments.subject_token_stdin)?;
    let mut params = ProfileUpdateParams {
        profile: arguments.name,
        client_id: arguments.client_id,
        issuer: arguments.issuer,
        redirect_uri: arguments.redirect_uri,
        scopes: Some(arguments.scopes).filter(|scopes| !scopes.is_empty()),
        parameters: arguments.parameters.into_iter().collect(),
        omit_resource: (arguments.resource || arguments.no_resource).then_some(arguments.no_resource),
        exceptions: Some(arguments.exceptions).filter(|given| arguments.accept_nothing || !given.is_empty()),
        secret,
        subject_token,
    };
    if let Some(scopes) = &mut params.scopes {
        scopes.retain(|scope| !scope.is_empty());
    }
    let ProfileUpdateParams { client_id, issuer, redirect_uri, scopes, parameters, .. } = &params;
    let ProfileUpdateParams { omit_resource, exceptions, secret, subject_token, .. } = &params;
    let texts_stay = [client_id, issuer, redirect_uri].into_iter().all(Option::is_none);
    let texts_stay = texts_stay && scopes.is_none() && parameters.is_empty();
    let secrets_stay = secret.is_none() && subject_token.is_none();
    let sign_in_stays = texts_stay && omit_resource.is_none() && exceptions.is_none() && secrets_stay;
    if sign_in_stays && arguments.approval.is_none() {
        return Err(Failure::usage("say what to change: keybearer change --help"));
    }
    let mut agent = reach.open(Door::Admin)?;
    if let Some(chosen) = arguments.approval {
        let approval = match chosen {
            Approvals::AsAll => None,
            Approvals::Ask => Some(Approval::Ask),
            Approvals::SameUser => Some(Approval::SameUser),
        };
        agent.call::<AccountApproval>(&AccountApprovalParams { profile: params.profile.clone(), approval })?;
    }
    let detail = match sign_in_stays {
        true => agent.call::<ProfileShow>(&ProfileName { profile: params.profile })?,
        false => agent.call::<ProfileUpdate>(&params)?,
    };
    if json {
        return answer_json(&detail);
    }
    let name = &detail.account.profile;
    match detail.account.auth.signs_in() && !sign_in_stays {
        true => {
            answer(&format!("{name} was changed; the next sign-in goes that way: keybearer sign-in {}", quoted(name)))
        }
        false => answer(&format!("{name} was changed")),
    }
}

/// `keybearer list`
pub(crate) fn list(reach: &Reach, json: bool) -> Result<(), Failure> {
    let accounts = reach.open(Door::Admin)?.accounts()?;
    if json {
        return answer_json(&accounts);
    }
    if accounts.is_empty() {
        return answer("No accounts yet. Add one: keybearer add https://…");
    }
    let width = |column: fn(&AccountView) -> String| {
        accounts.iter().map(|account| column(account).chars().count()).max().unwrap_or_default()
    };
    let (names, states) = (width(|account| account.profile.clone()), width(words));
    accounts.iter().try_for_each(|account| {
        answer(&format!("{:names$}  {:states$}  {}", account.profile, words(account), account.server_url))
    })
}

/// `keybearer show`
pub(crate) fn show(reach: &Reach, named: Named, json: bool) -> Result<(), Failure> {
    let detail = reach.open(Door::Admin)?.call::<ProfileShow>(&ProfileName { profile: named.name })?;
    if json {
        return answer_json(&detail);
    }
    let time = |time: Option<jiff::Timestamp>| time.map(|time| time.to_string());
    let parameters: Vec<String> = detail.parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let accepted: Vec<&str> = detail.exceptions.iter().map(|exception| exception.word()).collect();
    let rows = [
        ("name", Some(detail.account.profile.clone())),
        ("server", Some(detail.account.server_url.clone())),
        ("state", Some(words(&detail.account))),
        ("token ends", time(detail.account.expires_at)),
        ("renews itself", detail.resource.as_ref().map(|_| if detail.renewable { "yes" } else { "no" }.to_owned())),
        ("scopes", Some(detail.account.scopes.join(" ")).filter(|scopes| !scopes.is_empty())),
        ("server wants", Some(detail.wanted_scopes.join(" ")).filter(|scopes| !scopes.is_empty())),
        ("signed in", time(detail.signed_in_at)),
        ("authorization server", detail.issuer),
        ("resource", detail.resource),
        ("client ID", detail.client_id),
        ("parameters", Some(parameters.join(" ")).filter(|parameters| !parameters.is_empty())),
        ("resource is sent", detail.omit_resource.then(|| "no".to_owned())),
        ("accepted", Some(accepted.join(" ")).filter(|accepted| !accepted.is_empty())),
        ("identity provider", detail.identity_provider.map(|provider| provider.issuer)),
        ("token file", detail.assertion_file),
        ("asked about", detail.approval.map(|approval| asked_about(approval).to_owned())),
        ("last error", detail.last_error.map(|error| error.message)),
    ];
    rows.into_iter()
        .filter_map(|(name, value)| value.map(|value| (name, value)))
        .try_for_each(|(name, value)| answer(&format!("{name:20}  {value}")))
}

/// `keybearer remove`
pub(crate) fn remove(reach: &Reach, named: Named, json: bool) -> Result<(), Failure> {
    let params = ProfileName { profile: named.name };
    let mut agent = reach.open(Door::Admin)?;
    // By its address as well as by its name.
    let name = agent.call::<ProfileShow>(&params).map(|detail| detail.account.profile);
    let reply = agent.call::<ProfileRemove>(&params)?;
    if json {
        return answer_json(&reply);
    }
    answer(&format!("{} was removed", params.profile))?;
    offer(&mut agent, &reply);
    let name = name.unwrap_or(params.profile);
    tell_clients(&mut agent, &name, |client| {
        format!("{} still has it: keybearer install {} {} --undo", client.name, client.client, quoted(&name))
    });
    Ok(())
}

/// Who is asked about an account.
fn asked_about(approval: Approval) -> &'static str {
    match approval {
        Approval::Ask => "each program",
        Approval::SameUser => "no program of yours",
    }
}

/// `keybearer rename`
pub(crate) fn rename(reach: &Reach, profile: String, name: String, json: bool) -> Result<(), Failure> {
    let mut agent = reach.open(Door::Admin)?;
    let params = ProfileRenameParams { profile: profile.clone(), name };
    let account = agent.call::<ProfileRename>(&params)?;
    if json {
        return answer_json(&account);
    }
    answer(&format!("it is called {} now", account.profile))?;
    let name = quoted(&account.profile);
    tell_clients(&mut agent, &profile, |client| {
        let install = format!("keybearer install {} {name}", client.client);
        format!("{} still names it as before: {install} --undo, then {install}", client.name)
    });
    Ok(())
}

/// Tells in whose files a name stands that is none any more. The account is changed already, so nothing fails here.
fn tell_clients(agent: &mut Client, name: &str, words: impl Fn(&ClientView) -> String) {
    let clients = scan(agent).unwrap_or_default();
    let is_unknown =
        |client: &&ClientView| uses(client).any(|(_, ours)| !ours.known && ours.profile.as_deref() == Some(name));
    clients.iter().filter(is_unknown).for_each(|client| note(&words(client)));
}

/// A secret from standard input, without the line's end.
fn read_secret() -> Result<SecretString, Failure> {
    let mut text = String::new();
    let read = io::stdin().lock().take(SECRET_LIMIT + 1).read_to_string(&mut text);
    read.map_err(|error| Failure(ErrorObject::new(ErrorCode::Usage, format!("the secret can't be read: {error}"))))?;
    if text.len() as u64 > SECRET_LIMIT {
        return Err(Failure::usage("a secret holds 16 KiB at most"));
    }
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        return Err(Failure::usage("there is no secret on standard input"));
    }
    Ok(secret.to_owned().into())
}

/// The secret and the person's ID token, as far as they are on standard input.
fn read_secrets(secret: bool, token: bool) -> Result<(Option<SecretString>, Option<SecretString>), Failure> {
    match (secret, token) {
        (false, false) => Ok((None, None)),
        (true, false) => Ok((Some(read_secret()?), None)),
        (false, true) => Ok((None, Some(read_secret()?))),
        (true, true) => both(&read_secret()?),
    }
}

/// The client secret, which may have many lines, and the ID token on the last one.
fn both(text: &SecretString) -> Result<(Option<SecretString>, Option<SecretString>), Failure> {
    let parts = text.expose_secret().rsplit_once('\n');
    let (secret, token) =
        parts.ok_or_else(|| Failure::usage("there is one line, where client secret and token are awaited"))?;
    Ok((Some(secret.trim_end().to_owned().into()), Some(token.to_owned().into())))
}
