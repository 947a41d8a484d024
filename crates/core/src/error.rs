//! Everything that can go wrong here, with its code and its words.

use crate::activity::Problem;
use crate::assertion_file::AssertionFileError;
use crate::clients::ClientsError;
use crate::database::DatabaseError;
use crate::home::HomeError;
use crate::journal::JournalError;
use crate::more_access::Remedy;
use crate::profile::ProfileError;
use crate::transfer::TransferError;
use crate::upstream::UpstreamError;
use crate::vault::VaultError;
use crate::worker::WorkerError;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use keybearer_oauth::HttpError;
use keybearer_oauth::assertion::AssertionError;
use keybearer_oauth::authorization::{CallbackError, RequestError};
use keybearer_oauth::client_metadata::DocumentAddressError;
use keybearer_oauth::device_authorization::DeviceError;
use keybearer_oauth::dpop::DpopError;
use keybearer_oauth::extra_parameters::ExtraParameterError;
use keybearer_oauth::pushed_authorization::PushError;
use keybearer_oauth::reach::ReachError;
use keybearer_oauth::readable::readable;
use keybearer_oauth::registration::RegistrationError;
use keybearer_oauth::resource_metadata::ResourceMetadataError;
use keybearer_oauth::server_metadata::{ServerMetadataError, differ_by_a_slash};
use keybearer_oauth::signing_key::KeyError;
use keybearer_oauth::token_answer::TokenError;
use keybearer_protocol::exception::Exception;
use keybearer_protocol::{ErrorCode, ErrorObject};
use std::path::PathBuf;
use std::time::Duration;

/// Whatever a request can end with instead of a reply.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// Profiles can't be read or changed.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The folders can't be used.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The record of activity can't be read.
    #[error(transparent)]
    Activity(#[from] Problem),
    /// The keyring can't answer.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The refresh journal can't be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A file of accounts can't be written or read.
    #[error(transparent)]
    Transfer(#[from] TransferError),
    /// A client's file can't be read or written.
    #[error(transparent)]
    Clients(#[from] ClientsError),
    /// The process that asks for tokens didn't do its work.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// What guards the accounts can't be read.
    #[error("what guards your accounts can't be read in the system keyring ({0}), so nothing is given out")]
    Unprotected(String),
    /// The first contact failed.
    #[error(transparent)]
    Reach(#[from] ReachError),
    /// The protected resource metadata can't be used.
    #[error(transparent)]
    ResourceMetadata(#[from] ResourceMetadataError),
    /// The authorization server's metadata can't be used.
    #[error(transparent)]
    ServerMetadata(#[from] ServerMetadataError),
    /// No client ID could be had.
    #[error(transparent)]
    Registration(#[from] RegistrationError),
    /// Only a client that a person registers by hand can sign in there (`REG-2`).
    #[error("{why}")]
    ClientNeeded {
        /// The account.
        profile: String,
        /// Why Keybearer can't register itself.
        why: Box<RegistrationError>,
        /// The redirect addresses to register.
        redirect_uris: Vec<String>,
    },
    /// What is to be the address of the client metadata document can't be one.
    #[error(transparent)]
    MetadataDocument(#[from] DocumentAddressError),
    /// No authorization request can be made.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The authorization request could not be pushed.
    #[error(transparent)]
    Push(#[from] PushError),
    /// A sign-in failed that may go well with an option of the account.
    #[error("{error}")]
    OptionHelps {
        /// The account.
        profile: String,
        /// The option.
        option: AccountOption,
        /// How it failed.
        error: Box<Error>,
    },
    /// A parameter can't be added to authorization requests.
    #[error(transparent)]
    Parameter(#[from] ExtraParameterError),
    /// The answer from the browser is not accepted.
    #[error(transparent)]
    Callback(#[from] CallbackError),
    /// A sign-in on another device comes to nothing.
    #[error(transparent)]
    Device(DeviceError),
    /// The file in which a platform keeps a token gives none.
    #[error(transparent)]
    AssertionFile(#[from] AssertionFileError),
    /// What is to stand for a workload or a person is no JWT.
    #[error(transparent)]
    Assertion(#[from] AssertionError),
    /// What stands for a workload is for another authorization server.
    #[error("the workload's token is for {bound}, but the server names {named}, so Keybearer stopped")]
    AssertionElsewhere {
        /// For whom it is.
        bound: String,
        /// What the server names now.
        named: String,
    },
    /// What stands for a workload or a person has ended.
    #[error("the token that stands for {0} has ended, so it wasn't sent")]
    AssertionOver(String),
    /// Nothing is kept that would stand for the workload or the person.
    #[error("nothing is kept that would vouch for {0}")]
    SubjectMissing(String),
    /// The authorization server takes no identity provider's word.
    #[error("{0} doesn't take the word of an identity provider for a person")]
    EnterpriseNotOffered(String),
    /// The client's private key can't be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Tokens can't be bound to a key.
    #[error(transparent)]
    Dpop(#[from] DpopError),
    /// There are no new tokens.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The MCP server can't be used.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    /// Plain HTTP trouble outside those stages.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// Several profiles have this server.
    #[error("several accounts have {url}: {}; name one of them", some_of(.names))]
    Ambiguous {
        /// The server.
        url: String,
        /// The accounts.
        names: Vec<String>,
    },
    /// Neither profile nor address was named.
    #[error("name an account or a server's address")]
    NothingNamed,
    /// The account needs sign-in.
    #[error("{profile} needs sign-in{}", .why.as_ref().map(|why| format!(": {why}")).unwrap_or_default())]
    AuthRequired {
        /// The account.
        profile: String,
        /// What happened, if something did.
        why: Option<String>,
    },
    /// A sign-in of this account is open.
    #[error("a sign-in of {0} is open: finish it in the browser")]
    AuthInProgress(String),
    /// There is no open sign-in.
    #[error("no sign-in of {0} is open")]
    NoSignIn(String),
    /// The browser didn't come back in time.
    #[error("the browser didn't come back in time, so this sign-in lapsed")]
    Lapsed,
    /// The sign-in was cancelled.
    #[error("the sign-in was cancelled")]
    Cancelled,
    /// The profile got another address in the same moment.
    #[error("the address of {0} was edited in the same moment; try again")]
    Edited(String),
    /// The account was removed meanwhile.
    #[error("the account was removed")]
    Removed,
    /// A client that was registered by hand is for another authorization server than the one that the server names now
    /// (`BIND-5`).
    #[error("this account is for {bound}, but the server names {named}, so Keybearer stopped")]
    ClientElsewhere {
        /// Where it is registered, or was used first.
        bound: String,
        /// What the server names now.
        named: String,
    },
    /// The server is open.
    #[error("{0} needs no sign-in, so there is no token to give")]
    NoTokenNeeded(String),
    /// The account's fixed credential isn't a bearer token.
    #[error("{0} signs in with a header of its own: use `keybearer headers` for it")]
    NotABearer(String),
    /// The account's tokens are bound to a key, so none is given out alone.
    #[error("the server of {0} wants a proof with each request (DPoP), which a token alone doesn't bring")]
    TokenBound(String),
    /// A proof is for one request, and none is named.
    #[error("the server of {0} wants a proof with each request (DPoP): say which request the headers are for")]
    ProofForNothing(String),
    /// The grant doesn't cover the scopes.
    #[error("{}", lack(.profile, .missing, *.remedy))]
    ScopeUnavailable {
        /// The account.
        profile: String,
        /// What is missing.
        missing: Vec<String>,
        /// What can be done about it.
        remedy: Remedy,
    },
    /// The address isn't the account's.
    #[error("{url} doesn't belong to {profile}, so it gets no token of it")]
    ResourceMismatch {
        /// The account.
        profile: String,
        /// The address.
        url: String,
    },
    /// The user would have to be asked, and isn't.
    #[error("{0}")]
    ConsentRequired(Unasked),
    /// The user said no, or nothing in time.
    #[error("{}", if *.unanswered { format!("nobody answered whether this program may use {profile}") } else { format!("you said no: this program may not use {profile}") })]
    ConsentDenied {
        /// The account.
        profile: String,
        /// Whether a prompt lapsed.
        unanswered: bool,
    },
    /// The program was allowed for good with another content of its file, and a person chose that this means no.
    #[error("the file of this program has changed since you allowed it to use {0}")]
    ProgramChanged(String),
    /// Too many questions wait for a person.
    #[error("too many programs wait for your answer already")]
    TooManyPrompts,
    /// The prompt was answered, lapsed or taken back.
    #[error("this question doesn't wait for an answer any more")]
    NoSuchPrompt,
    /// The answer was forgotten already.
    #[error("there is no such remembered answer")]
    NoSuchGrant,
    /// What was presented to the gateway is no key, or none any more.
    #[error("this is no key of Keybearer's gateway, or it was taken back")]
    NoSuchKey,
    /// There are too many keys.
    #[error("at most {0} clients can have a key of the gateway")]
    TooManyKeys(usize),
    /// The gateway can't be opened.
    #[error("the gateway can't be opened: {0}")]
    GatewayShut(String),
    /// Only the command beside the agent hands connections on.
    #[error("only the keybearer command beside the agent hands connections on, by keybearer run")]
    RunOnly,
    /// There is no restricted door here.
    #[error("the restricted door is a Unix socket, and this system has none to give to a container or a remote host")]
    NoRestrictedDoor,
    /// Too many accounts lie behind the restricted door.
    #[error("at most {0} accounts can be named for containers and remote hosts")]
    TooManyRestricted(usize),
    /// Only the desktop that asks people may do that.
    #[error("only Keybearer's own window may do that")]
    DesktopOnly,
    /// A desktop asks already.
    #[error("another Keybearer window asks already")]
    PrompterTaken,
    /// What was removed or forgotten is that for good.
    #[error("that can't be taken back any more")]
    NoWayBack,
    /// Nothing is given out until somebody unlocks.
    #[error("Keybearer is locked")]
    Locked,
    /// Nothing is given out for a while.
    #[error("Keybearer is paused {}, because you said so: it gives out nothing", end_of_pause(*until))]
    Paused {
        /// When that ends by itself.
        until: Option<Timestamp>,
    },
    /// No address is free that the browser may come back to.
    #[error("another program uses {}, where a browser would come back to", first_to_last(.0))]
    NoPort(Vec<String>),
    /// An option that the profile's type needs is missing or doesn't fit.
    #[error("{0}")]
    Usage(String),
    /// `settings.json` can't be read as it is; nothing was changed.
    #[error("{} can't be read: line {line}, column {column}", .path.display())]
    SettingsBroken {
        /// The file.
        path: PathBuf,
        /// Where it is wrong.
        line: usize,
        /// Where in that line.
        column: usize,
    },
    /// `settings.json` can't be read or written.
    #[error("{} can't be used: {cause}", .path.display())]
    SettingsUnusable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: String,
    },
    /// A fault of Keybearer itself.
    #[error("internal error: {0}")]
    Internal(&'static str),
}

/// An option of an account with which a sign-in that failed may go well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountOption {
    /// Accept something of the authorization server although the rules refuse it.
    Accept(Exception),
    /// Say where to sign in.
    Issuer,
    /// Keep quiet about the resource.
    NoResource,
}

/// Why a person isn't asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unasked {
    /// The caller lives in a sandbox, container or other namespace, and nobody is ever asked here.
    #[error("a program in a sandbox or container gets a token only with your consent, and nobody can be asked")]
    Foreign,
    /// No desktop is there.
    #[error("you would have to be asked whether this program may, but Keybearer's window isn't running")]
    NoDesktop,
    /// The caller doesn't want anybody to be asked.
    #[error("you would have to be asked whether this program may, and it said not to")]
    NotInteractive,
    /// The question is being shown, and the caller doesn't wait for the answer.
    #[error("you are being asked whether this program may; it can try again once you have answered")]
    Asked,
    /// What a connection was handed on with holds no more.
    #[error(
        "the connection that this program inherited serves no more: what was allowed was taken back, or has changed"
    )]
    InheritedOver,
    /// What allowed a program to use the gateway holds no more.
    #[error("what allowed this program to use the account was taken back, or has changed")]
    TakenBack,
    /// A container or a remote host asks, and doesn't wait for the answer.
    #[error("a container or a remote host gets nothing unless you are asked, and it doesn't wait for that")]
    RestrictedUnasked,
    /// Nobody answered the last times.
    #[error("nobody answered when this program asked before, so it has to wait")]
    Resting(Duration),
}

impl From<DeviceError> for Error {
    fn from(error: DeviceError) -> Error {
        match error {
            DeviceError::Token(refused) => Error::Token(refused),
            DeviceError::NotOffered(_) | DeviceError::NotAllowed(_) | DeviceError::Denied(_) | DeviceError::Expired => {
                Error::Device(error)
            }
        }
    }
}

impl Error {
    /// The same with the option of this account that may help, where there is one.
    #[must_use]
    pub fn with_option(self, profile: &str) -> Error {
        match self.option() {
            Some(option) => Error::OptionHelps { profile: profile.to_owned(), option, error: Box::new(self) },
            None => self,
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "most errors have none")]
    fn option(&self) -> Option<AccountOption> {
        match self {
            Error::Request(RequestError::NoPkce(_)) => Some(AccountOption::Accept(Exception::PkceNotAdvertised)),
            Error::ServerMetadata(ServerMetadataError::IssuerMismatch { asked, found })
                if differ_by_a_slash(asked, found) =>
            {
                Some(AccountOption::Accept(Exception::IssuerSlash))
            }
            Error::ServerMetadata(ServerMetadataError::Nowhere(_)) => Some(AccountOption::Issuer),
            Error::Callback(CallbackError::Refused { error, description })
            | Error::Token(TokenError::Refused { error, description, .. })
            | Error::Push(PushError::Refused { error, description, .. })
                if is_about_resource(error, description.as_deref()) =>
            {
                Some(AccountOption::NoResource)
            }
            _ => None,
        }
    }

    /// The words of the protocol for it: code, sentence, exact reason, way out.
    pub fn to_object(&self) -> ErrorObject {
        // Strangers' words may be in it: one readable line, whatever they wrote.
        let mut object = ErrorObject::new(self.code(), readable(&self.to_string()));
        object.data.reason = self.reason().map(str::to_owned);
        object.data.action = self.action();
        if let Error::OptionHelps { option: AccountOption::Accept(exception), .. } = self {
            object.data.exception = Some(*exception);
        }
        if matches!(self, Error::ConsentRequired(Unasked::Asked)) {
            object.data.retryable = true;
        }
        if let Error::ConsentRequired(Unasked::Resting(left)) = self {
            object.data.retry_after_ms = u32::try_from(left.as_millis()).ok();
        }
        if let Error::Vault(VaultError::TooSoon(left)) = self {
            object.data.retry_after_ms = u32::try_from(left.as_millis()).ok();
        }
        object
    }

    fn code(&self) -> ErrorCode {
        if let Some(error) = self.http() {
            return http_code(error);
        }
        match self {
            Error::OptionHelps { error, .. } => error.code(),
            Error::Profile(error) => profile_code(error),
            Error::Vault(error) => vault_code(error),
            Error::Home(_) | Error::Unprotected(_) => ErrorCode::StorageUnavailable,
            Error::Activity(problem) => problem_code(problem),
            Error::Clients(error) => clients_code(error),
            Error::Transfer(error) => transfer_code(error),
            Error::Registration(error) => registration_code(error),
            Error::Journal(error) => journal_code(error),
            Error::Worker(WorkerError::Waiting) => ErrorCode::Busy,
            Error::Worker(WorkerError::NotStarted(_)) => ErrorCode::Internal,
            Error::Reach(ReachError::NotMcp { .. }) | Error::Upstream(UpstreamError::NotMcp(_)) => {
                ErrorCode::NotMcpServer
            }
            Error::Reach(ReachError::Http(_))
            | Error::Http(_)
            | Error::ResourceMetadata(_)
            | Error::ServerMetadata(_)
            | Error::ClientNeeded { .. }
            | Error::Request(_)
            | Error::Dpop(_)
            | Error::Push(_)
            | Error::Callback(
                CallbackError::StateMismatch
                | CallbackError::RedirectMismatch
                | CallbackError::IssuerMismatch
                | CallbackError::IssuerMissing
                | CallbackError::Refused { .. }
                | CallbackError::NoCode,
            )
            | Error::Token(_)
            | Error::Device(
                DeviceError::Token(_)
                | DeviceError::NotOffered(_)
                | DeviceError::NotAllowed(_)
                | DeviceError::Denied(_),
            )
            | Error::Upstream(UpstreamError::Http(_) | UpstreamError::Unauthorized(_) | UpstreamError::Refused(_)) => {
                ErrorCode::ProviderError
            }
            Error::Upstream(UpstreamError::InsufficientScope(_)) | Error::ScopeUnavailable { .. } => {
                ErrorCode::ScopeUnavailable
            }
            Error::Callback(CallbackError::Malformed) => ErrorCode::Usage,
            Error::Ambiguous { .. } => ErrorCode::ProfileAmbiguous,
            Error::Upstream(UpstreamError::Key(_)) => ErrorCode::Internal,
            Error::NothingNamed
            | Error::Usage(_)
            | Error::Key(_)
            | Error::ProofForNothing(_)
            | Error::Parameter(_)
            | Error::MetadataDocument(_)
            | Error::AssertionFile(AssertionFileError::NotAbsolute(_)) => ErrorCode::Usage,
            Error::AssertionElsewhere { .. } | Error::EnterpriseNotOffered(_) => ErrorCode::ProviderError,
            Error::AuthRequired { .. }
            | Error::AssertionFile(
                AssertionFileError::Missing(_)
                | AssertionFileError::Unreadable { .. }
                | AssertionFileError::NotAFile(_)
                | AssertionFileError::Unsafe(_)
                | AssertionFileError::TooLarge(_)
                | AssertionFileError::Empty(_),
            )
            | Error::Assertion(_)
            | Error::AssertionOver(_)
            | Error::SubjectMissing(_)
            | Error::NoSignIn(_)
            | Error::Lapsed
            | Error::Device(DeviceError::Expired)
            | Error::Cancelled => ErrorCode::AuthRequired,
            Error::AuthInProgress(_) => ErrorCode::AuthInProgress,
            Error::NoTokenNeeded(_) | Error::NotABearer(_) | Error::TokenBound(_) => ErrorCode::NoTokenNeeded,
            Error::ResourceMismatch { .. } => ErrorCode::ResourceMismatch,
            Error::ConsentRequired(_) => ErrorCode::ConsentRequired,
            Error::ConsentDenied { .. } | Error::ProgramChanged(_) => ErrorCode::ConsentDenied,
            Error::DesktopOnly => ErrorCode::DesktopOnly,
            Error::RunOnly | Error::NoSuchKey => ErrorCode::CallerUnidentified,
            Error::NoRestrictedDoor | Error::TooManyRestricted(_) | Error::TooManyKeys(_) => ErrorCode::Usage,
            Error::Locked => ErrorCode::AgentLocked,
            Error::Paused { .. } => ErrorCode::Paused,
            Error::NoSuchPrompt | Error::NoSuchGrant | Error::NoWayBack => ErrorCode::NotThere,
            Error::TooManyPrompts | Error::PrompterTaken => ErrorCode::Busy,
            Error::NoPort(_) | Error::Edited(_) | Error::GatewayShut(_) => ErrorCode::Busy,
            Error::Removed => ErrorCode::ProfileNotFound,
            Error::ClientElsewhere { .. } => ErrorCode::ProviderError,
            Error::SettingsBroken { .. } => ErrorCode::ConfigurationBroken,
            Error::SettingsUnusable { .. } => ErrorCode::StorageUnavailable,
            Error::Internal(_) => ErrorCode::Internal,
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "most errors have none of their own")]
    fn reason(&self) -> Option<&'static str> {
        Some(match self {
            Error::OptionHelps { error, .. } => return error.reason(),
            Error::Vault(error) => return vault_reason(error),
            Error::Transfer(TransferError::Sealed(_)) => "file_sealed",
            Error::Transfer(TransferError::Unopened(_)) => "file_unopened",
            Error::Transfer(TransferError::Taken(_)) => "file_taken",
            Error::Transfer(TransferError::NotOurs { .. }) => "file_not_ours",
            Error::Clients(ClientsError::Unusable { reason, .. } | ClientsError::Unfit { reason, .. }) => reason,
            Error::ResourceMetadata(ResourceMetadataError::Mismatch { .. }) => "resource_mismatch",
            Error::ResourceMetadata(ResourceMetadataError::Missing(_)) => "resource_metadata_missing",
            Error::ResourceMetadata(ResourceMetadataError::BadAddress(_)) => "resource_metadata_malformed",
            Error::ServerMetadata(ServerMetadataError::BadIssuer(_)) => "issuer_malformed",
            Error::ServerMetadata(ServerMetadataError::BadEndpoint { .. }) => "endpoint_malformed",
            Error::ServerMetadata(ServerMetadataError::IssuerMismatch { .. }) => "metadata_issuer_mismatch",
            Error::ServerMetadata(ServerMetadataError::Missing(_) | ServerMetadataError::Nowhere(_)) => {
                "server_metadata_missing"
            }
            Error::Key(_) => "key_unusable",
            Error::ClientNeeded { why, .. } => return registration_reason(why),
            Error::Registration(error) => return registration_reason(error),
            Error::MetadataDocument(_) => "metadata_document_address",
            Error::Request(RequestError::NoPage(_)) => "authorization_not_offered",
            Error::Request(RequestError::NoPkce(_)) => "pkce_unsupported",
            Error::Request(RequestError::NotAllowed(_)) => "address_not_allowed",
            Error::Push(PushError::Refused { .. }) => "push_refused",
            Error::Push(PushError::Http(error @ (HttpError::NotAllowed(_) | HttpError::TooNear { .. }))) => {
                return http_reason(error);
            }
            Error::Push(_) => "push_failed",
            Error::Callback(CallbackError::StateMismatch) => "state_mismatch",
            Error::Callback(CallbackError::RedirectMismatch) => "redirect_mismatch",
            Error::Callback(CallbackError::IssuerMismatch) => "issuer_mismatch",
            Error::Callback(CallbackError::IssuerMissing) => "issuer_missing",
            Error::Callback(CallbackError::Refused { .. }) => "authorization_refused",
            Error::Callback(CallbackError::Malformed | CallbackError::NoCode) => "callback_malformed",
            Error::Device(DeviceError::NotOffered(_)) => "device_not_offered",
            Error::Device(DeviceError::NotAllowed(_)) => "address_not_allowed",
            Error::Device(DeviceError::Denied(_)) => "authorization_refused",
            Error::Token(TokenError::Refused { .. }) => "token_refused",
            Error::Token(TokenError::Unbound(_)) => "dpop_token_unbound",
            Error::Token(TokenError::StrangelyBound(_)) => "dpop_token_strange",
            Error::Dpop(DpopError::Unsupported(_)) => "dpop_unsupported",
            Error::TokenBound(_) | Error::ProofForNothing(_) => "dpop_proof_needed",
            Error::Token(TokenError::Malformed { .. }) => "token_malformed",
            Error::Token(TokenError::UnknownType { .. }) => "token_type_unknown",
            Error::Token(TokenError::Unusable { .. }) => "token_unusable",
            Error::Upstream(UpstreamError::Unauthorized(_)) => "token_rejected",
            Error::Upstream(UpstreamError::Refused(_)) => "server_error",
            Error::AssertionFile(AssertionFileError::Missing(_)) => "assertion_missing",
            Error::AssertionFile(AssertionFileError::Unsafe(_)) => "assertion_unsafe",
            Error::AssertionFile(_) => "assertion_unreadable",
            Error::Assertion(_) => "assertion_unusable",
            Error::AssertionElsewhere { .. } => "assertion_elsewhere",
            Error::AssertionOver(_) => "assertion_over",
            Error::SubjectMissing(_) => "subject_missing",
            Error::EnterpriseNotOffered(_) => "enterprise_not_offered",
            Error::ClientElsewhere { .. } => "client_elsewhere",
            Error::ScopeUnavailable { remedy: Remedy::SignIn, .. } => "more_access_needed",
            Error::ScopeUnavailable { remedy: Remedy::Exhausted, .. } => "more_access_refused",
            Error::Locked => "locked",
            Error::Lapsed | Error::Device(DeviceError::Expired) => "lapsed",
            Error::Cancelled => "cancelled",
            Error::NoSignIn(_) => "no_sign_in_open",
            _ => return http_reason(self.http()?),
        })
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "most errors have none of their own")]
    /// What went wrong with a request, if it was that.
    pub fn http(&self) -> Option<&HttpError> {
        match self {
            Error::OptionHelps { error, .. } => error.http(),
            Error::Reach(ReachError::Http(error))
            | Error::ResourceMetadata(ResourceMetadataError::Http(error))
            | Error::ServerMetadata(ServerMetadataError::Http(error))
            | Error::Registration(RegistrationError::Http(error))
            | Error::Request(RequestError::Http(error))
            | Error::Token(TokenError::Http(error))
            | Error::Push(PushError::Http(error))
            | Error::Upstream(UpstreamError::Http(error))
            | Error::Http(error) => Some(error),
            _ => None,
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "most errors have none of their own")]
    fn action(&self) -> Option<String> {
        if matches!(self.http(), Some(HttpError::TooNear { .. })) {
            return Some(
                "tell whoever runs the server; if it is your own, add it by an address in the network that it leads to"
                    .to_owned(),
            );
        }
        match self {
            Error::AuthRequired { profile, .. } | Error::ScopeUnavailable { profile, remedy: Remedy::SignIn, .. } => {
                Some(format!("keybearer sign-in {}", quoted(profile)))
            }
            Error::TokenBound(_) | Error::ProofForNothing(_) => Some(
                "ask header.get with url and method of each request; keybearer headers URL does so for one POST".to_owned(),
            ),
            Error::Lapsed | Error::Device(DeviceError::Expired) | Error::Cancelled => {
                Some("start the sign-in again".to_owned())
            }
            Error::Device(DeviceError::NotOffered(_)) => {
                Some("sign in with a browser, which may be on another computer: keybearer sign-in NAME --no-browser".to_owned())
            }
            Error::AssertionFile(AssertionFileError::Missing(_) | AssertionFileError::Empty(_)) => {
                Some("see whether the platform runs that writes it, and whether the path is right".to_owned())
            }
            Error::AssertionFile(AssertionFileError::Unsafe(_)) => {
                Some("give it to yourself or root, and take the right to write from all others".to_owned())
            }
            Error::AssertionElsewhere { named, .. } => {
                Some(format!("if {named} takes that token all the same: keybearer change NAME --issuer {named}"))
            }
            Error::AssertionOver(_) | Error::SubjectMissing(_) | Error::Assertion(_) => {
                Some("bring a new one: keybearer change NAME with --secret-stdin for a workload's token, --subject-token-stdin for yours".to_owned())
            }
            Error::EnterpriseNotOffered(_) => {
                Some("add the account with --auth oauth, or ask whoever runs that server".to_owned())
            }
            Error::Locked => {
                Some("unlock it in Keybearer's window or, where none has ever run, with keybearer unlock".to_owned())
            }
            Error::Paused { .. } => {
                Some("resume in Keybearer's window or, where none has ever run, with keybearer resume".to_owned())
            }
            Error::DesktopOnly => Some("open Keybearer's window, and do it there".to_owned()),
            Error::ProgramChanged(_) => Some(
                "if that was an update, take the old answer back, and it is asked about anew: keybearer grants shows it"
                    .to_owned(),
            ),
            Error::ConsentDenied { .. } => {
                Some("keybearer grants shows the answer, keybearer grants revoke ID takes it back".to_owned())
            }
            Error::ConsentRequired(Unasked::Asked) => Some("answer in Keybearer's window".to_owned()),
            Error::ConsentRequired(Unasked::NotInteractive) => {
                Some("run it without --no-prompt once, and answer \"While it runs\"".to_owned())
            }
            Error::ConsentRequired(Unasked::TakenBack) => Some("start the program again, and answer anew".to_owned()),
            Error::ConsentRequired(Unasked::InheritedOver) => {
                Some("start the command again with keybearer run".to_owned())
            }
            Error::NoSuchKey => Some("keybearer gateway key NAME --client CLIENT makes one".to_owned()),
            Error::TooManyKeys(_) => Some("keybearer grants shows them, keybearer grants revoke ID takes one back".to_owned()),
            Error::GatewayShut(_) => Some("keybearer doctor".to_owned()),
            Error::ConsentRequired(Unasked::NoDesktop) => Some("start Keybearer's window".to_owned()),
            Error::Vault(error) => error.way_out().map(str::to_owned),
            Error::Clients(error) => clients_action(error).map(str::to_owned),
            Error::Transfer(error) => transfer_action(error).map(str::to_owned),
            Error::Activity(problem) => Some(problem.way_out().to_owned()),
            Error::Journal(JournalError::Full(_)) => Some("make some room on that disk, and try again".to_owned()),
            Error::Journal(JournalError::Unusable { .. }) => Some("keybearer doctor".to_owned()),
            Error::Journal(JournalError::UnderWay) | Error::Worker(_) => Some("try again in a minute".to_owned()),
            Error::Unprotected(_) => Some(
                "update Keybearer; or delete \"Keybearer protection\" in the keyring's own window, and check afterwards who may \
                 use your accounts"
                    .to_owned(),
            ),
            Error::ClientNeeded { profile, redirect_uris, .. } => Some(format!(
                "have Keybearer registered there by hand, with the redirect addresses {}; then: keybearer change {} \
                 --client-id ID (and --secret-stdin, if it got a secret)",
                redirect_uris.join(" "),
                quoted(profile)
            )),
            Error::MetadataDocument(_) => {
                Some("keybearer client-metadata --url URL --use; or mend KEYBEARER_CLIENT_METADATA_URL".to_owned())
            }
            Error::OptionHelps { profile, option, .. } => {
                let profile = quoted(profile);
                let (condition, option) = match option {
                    AccountOption::Accept(exception) => {
                        ("if you trust this sign-in service, ", format!("--accept {}", exception.word()))
                    }
                    AccountOption::Issuer => ("", "--issuer URL".to_owned()),
                    AccountOption::NoResource => ("", "--no-resource".to_owned()),
                };
                Some(format!("{condition}keybearer change {profile} {option}, then keybearer sign-in {profile}"))
            }
            Error::Profile(ProfileError::Exists(name)) => {
                Some(format!("choose another name; the one that is there: keybearer show {}", quoted(name)))
            }
            Error::Profile(ProfileError::NotFound(_)) => Some("keybearer list".to_owned()),
            _ => None,
        }
    }
}

/// Whether an authorization server can't do with a resource that it was told (RFC 8707 §2; Entra ID has a number for it).
fn is_about_resource(error: &str, description: Option<&str>) -> bool {
    error == "invalid_target" || description.is_some_and(|words| words.contains("AADSTS9010010"))
}

/// What is said of scopes that a sign-in doesn't cover.
fn lack(profile: &str, missing: &[String], remedy: Remedy) -> String {
    let missing = missing.join(" ");
    match remedy {
        Remedy::SignIn => format!("the server wants more access than the sign-in of {profile} gave: {missing}"),
        Remedy::Exhausted => format!("sign-ins of {profile} asked for {missing}, and the server refuses all the same"),
        Remedy::Unknown => format!("the sign-in of {profile} doesn't cover {missing}"),
    }
}

/// When a pause ends, on this computer's clock: it is never more than a day.
fn end_of_pause(until: Option<Timestamp>) -> String {
    let clock = |until: Timestamp| until.to_zoned(TimeZone::system()).strftime("until %H:%M").to_string();
    until.map_or_else(|| "until you resume".to_owned(), clock)
}

/// One address, or the ends of several.
fn first_to_last(addresses: &[String]) -> String {
    match addresses {
        [first, .., last] => format!("{first} and all others to {last}"),
        one => one.concat(),
    }
}

/// A name as it can be typed.
fn quoted(name: &str) -> String {
    if name.contains(' ') { format!("'{name}'") } else { name.to_owned() }
}

fn profile_code(error: &ProfileError) -> ErrorCode {
    match error {
        ProfileError::Broken { .. } | ProfileError::Newer(_) => ErrorCode::ConfigurationBroken,
        ProfileError::Unwritable { full: true, .. } => ErrorCode::StorageFull,
        ProfileError::Unwritable { .. } | ProfileError::Home(_) => ErrorCode::StorageUnavailable,
        ProfileError::Raced(_) => ErrorCode::Busy,
        ProfileError::NotFound(_) => ErrorCode::ProfileNotFound,
        ProfileError::Exists(_) => ErrorCode::ProfileExists,
        ProfileError::BadName(_) | ProfileError::BadUrl(_) => ErrorCode::Usage,
    }
}

fn registration_code(error: &RegistrationError) -> ErrorCode {
    match error {
        RegistrationError::Key(_) => ErrorCode::Usage,
        RegistrationError::Http(_)
        | RegistrationError::NotOffered(_)
        | RegistrationError::NotListed { .. }
        | RegistrationError::Refused { .. }
        | RegistrationError::Unusable(_)
        | RegistrationError::Algorithm { .. }
        | RegistrationError::AuthMethod { .. } => ErrorCode::ProviderError,
    }
}

fn journal_code(error: &JournalError) -> ErrorCode {
    match error {
        JournalError::Unusable { .. } => ErrorCode::StorageUnavailable,
        JournalError::Full(_) => ErrorCode::StorageFull,
        JournalError::UnderWay => ErrorCode::Busy,
    }
}

fn clients_code(error: &ClientsError) -> ErrorCode {
    match error {
        ClientsError::Unknown(_) | ClientsError::Unfit { .. } => ErrorCode::Usage,
        ClientsError::NotInstalled(_) => ErrorCode::ClientNotInstalled,
        ClientsError::Changed(_) => ErrorCode::ClientFileChanged,
        ClientsError::Unusable { .. } => ErrorCode::ConfigurationBroken,
        ClientsError::Unwritable { full: true, .. } => ErrorCode::StorageFull,
        ClientsError::Unwritable { .. } | ClientsError::NoHome => ErrorCode::StorageUnavailable,
        ClientsError::NoPreview | ClientsError::NothingWritten => ErrorCode::NotThere,
    }
}

fn transfer_code(error: &TransferError) -> ErrorCode {
    match error {
        TransferError::NotWhole(_)
        | TransferError::Taken(_)
        | TransferError::Sealed(_)
        | TransferError::Unopened(_) => ErrorCode::Usage,
        TransferError::Unwritable { full: true, .. } => ErrorCode::StorageFull,
        TransferError::Unwritable { .. } | TransferError::Unreadable { .. } => ErrorCode::StorageUnavailable,
        TransferError::NotOurs { .. } | TransferError::Newer(_) => ErrorCode::ConfigurationBroken,
    }
}

fn transfer_action(error: &TransferError) -> Option<&'static str> {
    match error {
        TransferError::Taken(_) => Some("choose another name for the file"),
        TransferError::Sealed(_) => Some("give the passphrase that was chosen when it was written"),
        TransferError::Newer(_) => Some("update Keybearer"),
        TransferError::Unwritable { full: true, .. } => Some("make some room on that disk, and try again"),
        TransferError::NotWhole(_)
        | TransferError::Unwritable { .. }
        | TransferError::Unreadable { .. }
        | TransferError::NotOurs { .. }
        | TransferError::Unopened(_) => None,
    }
}

fn clients_action(error: &ClientsError) -> Option<&'static str> {
    match error {
        ClientsError::Unknown(_) | ClientsError::NotInstalled(_) | ClientsError::NothingWritten => {
            Some("keybearer install shows which there are")
        }
        ClientsError::Changed(_) | ClientsError::NoPreview => Some("look at it again, and install it then"),
        ClientsError::Unwritable { full: true, .. } => Some("make some room on that disk, and try again"),
        ClientsError::Unwritable { .. } | ClientsError::Unusable { .. } | ClientsError::Unfit { .. } => None,
        ClientsError::NoHome => Some("set HOME"),
    }
}

fn vault_code(error: &VaultError) -> ErrorCode {
    match error {
        VaultError::Locked(_) | VaultError::Sealed | VaultError::WrongPassphrase => ErrorCode::AgentLocked,
        VaultError::TooSoon(_) | VaultError::Moving => ErrorCode::Busy,
        VaultError::Full => ErrorCode::StorageFull,
        VaultError::TooShort | VaultError::NoPassphrase | VaultError::NothingToDo(_) => ErrorCode::Usage,
        VaultError::Absent(_)
        | VaultError::NoCollection(_)
        | VaultError::Silent
        | VaultError::TooLarge(_)
        | VaultError::Unreadable(_)
        | VaultError::NotKept
        | VaultError::KeyGone
        | VaultError::Unusable(_)
        | VaultError::Damaged(_)
        | VaultError::Newer
        | VaultError::NoChoice(_) => ErrorCode::StorageUnavailable,
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "most errors have none of their own")]
fn vault_reason(error: &VaultError) -> Option<&'static str> {
    Some(match error {
        VaultError::Sealed => "passphrase_wanted",
        VaultError::WrongPassphrase => "wrong_passphrase",
        VaultError::TooSoon(_) => "too_soon",
        VaultError::Moving => "moving",
        VaultError::KeyGone => "key_gone",
        VaultError::Damaged(_) => "vault_damaged",
        VaultError::Newer => "vault_newer",
        VaultError::NoChoice(_) => "vault_unknown",
        _ => return None,
    })
}

fn http_code(error: &HttpError) -> ErrorCode {
    if matches!(error, HttpError::Tls { .. }) {
        ErrorCode::TlsFailure
    } else if error.is_transient() {
        ErrorCode::ProviderUnreachable
    } else {
        ErrorCode::ProviderError
    }
}

fn registration_reason(error: &RegistrationError) -> Option<&'static str> {
    Some(match error {
        RegistrationError::NotOffered(_) => "registration_not_offered",
        RegistrationError::NotListed { .. } => "registration_not_listed",
        RegistrationError::Refused { .. } => "registration_refused",
        RegistrationError::Unusable(_) => "registration_unusable",
        RegistrationError::Key(_) => "key_unusable",
        RegistrationError::Algorithm { .. } => "key_not_accepted",
        RegistrationError::AuthMethod { .. } => "auth_method_unsupported",
        RegistrationError::Http(error) => return http_reason(error),
    })
}

fn http_reason(error: &HttpError) -> Option<&'static str> {
    Some(match error {
        HttpError::NotAllowed(_) => "address_not_allowed",
        HttpError::TooNear { .. } => "address_too_near",
        HttpError::Dns(_) => "dns",
        HttpError::Connect(_) => "connect",
        HttpError::Tls { .. } => "tls",
        HttpError::Timeout(_) => "timeout",
        HttpError::TooLarge(_) => "too_large",
        HttpError::Broken(_) => "broken",
        HttpError::Status { .. } => "status",
        HttpError::NotJson { .. } => "not_json",
        HttpError::Unusable(_) => return None,
    })
}
/// As many names as a person reads, and a message can hold.
fn some_of(names: &[String]) -> String {
    const SOME: usize = 10;
    let shown = names.iter().take(SOME).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SOME) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
/// The code of what is wrong with the record of activity.
fn problem_code(problem: &Problem) -> ErrorCode {
    match problem {
        Problem::File(DatabaseError::Full) => ErrorCode::StorageFull,
        Problem::File(_) | Problem::Broken(_) => ErrorCode::StorageUnavailable,
        Problem::Busy => ErrorCode::Busy,
    }
}
