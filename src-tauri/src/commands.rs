//! What the page may ask for. A command takes its arguments, asks the agent and returns; it decides nothing.
//!
//! A new one also goes into `build.rs`, `all` below and the capability of the window that needs it; then
//! `KEYBEARER_WRITE_BINDINGS=1 cargo test -p keybearer-desktop` writes it into `ui/src/bindings.ts`.

use crate::agent::Agent;
use crate::approval::Shown;
use crate::autostart;
use crate::browsers::{self, Browsers};
use crate::clipboard::Clipboard;
use crate::deep_link::{self, owner, owner::LinkOwner};
use crate::diagnostics::Collected;
use crate::installation::{self, Installation};
use crate::keeper;
use crate::link_test;
use crate::news::{self, Inbox, Opening};
use crate::practice::Practice;
use crate::record;
use crate::requests::{AccountChange, NewAccount, SignInRequest};
use crate::transfer::{self, Chosen};
use crate::updates;
use keybearer_ipc::client::{self, environment};
use keybearer_protocol::account::{
    AccountApproval, AccountApprovalParams, AccountCopyToken, AccountRefresh, AccountSignOut, AccountTest,
    AccountTools, SignOutReply, TestReply, ToolsReply,
};
use keybearer_protocol::activity::{
    ActivityFilter, ActivityFollow, ActivityFollowParams, ActivityFollowReply, ActivityList, ActivityListParams,
    ActivityListReply,
};
use keybearer_protocol::agent::{
    AgentLock, AgentPause, AgentPauseParams, AgentResume, AgentStatus, AgentStatusReply, AgentUnlock, AgentUnlockParams,
};
use keybearer_protocol::auth::{
    AuthCancel, AuthComplete, AuthCompleteParams, AuthStart, AuthStatus, AuthStatusParams, AuthView,
};
use keybearer_protocol::clients::{
    ClientInstall, ClientMode, ClientPreview, ClientUndone, ClientView, ClientsApply, ClientsApplyParams,
    ClientsPreview, ClientsPreviewParams, ClientsScan, ClientsServers, ClientsServersParams, ClientsServersReply,
    ClientsUndo, ClientsUndoParams,
};
use keybearer_protocol::diagnostics::DiagnosticsFile;
use keybearer_protocol::grant::{GrantList, GrantRestore, GrantRevoke, GrantRevokeParams, GrantView};
use keybearer_protocol::method::Empty;
use keybearer_protocol::profile::{
    AccountDetail, AccountView, ProfileAdd, ProfileName, ProfileRemove, ProfileRename, ProfileRenameParams,
    ProfileRestore, ProfileShow, ProfileUpdate,
};
use keybearer_protocol::prompt::{
    Decision, PromptAnswer, PromptAnswerParams, PromptNext, PromptNextParams, PromptQueue,
};
use keybearer_protocol::restricted::{
    RestrictedAllow, RestrictedDisallow, RestrictedList, RestrictedParams, RestrictedView,
};
use keybearer_protocol::settings::{Approval, Settings, SettingsGet, SettingsSet, SettingsSetParams};
use keybearer_protocol::timeline::{AccountTimeline, Timeline};
use keybearer_protocol::transfer::{TransferExportReply, TransferImportReply};
use keybearer_protocol::undo::{UndoParams, Undoable};
use keybearer_protocol::vault::{VaultKind, VaultMove, VaultMoveParams, VaultStatus, VaultStatusReply};
use keybearer_protocol::{ErrorCode, ErrorObject};
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;
use tauri::{AppHandle, Manager, State};
use tauri_specta::{Builder, collect_commands, collect_events};

/// What a command answers; the page's promise is rejected with the error.
type Answer<T> = Result<T, ErrorObject>;
/// The connection that all commands share.
type Shared<'a> = State<'a, Arc<Agent>>;

/// How many rows of activity a page has.
const ACTIVITY: u32 = 50;
/// How long news of activity is waited for at one time, in milliseconds: shorter than any request may take.
const NEWS: u32 = 10_000;
/// The most that one page of a listing may take.
const LISTING: Duration = Duration::from_secs(30);

/// Every command and event of the window.
pub fn all() -> Builder<tauri::Wry> {
    Builder::new()
        .commands(collect_commands![
            agent_status,
            opening,
            accounts,
            account,
            add_account,
            update_account,
            rename_account,
            remove_account,
            restore_account,
            sign_in,
            sign_in_status,
            cancel_sign_in,
            complete_sign_in,
            sign_out,
            test_account,
            tools,
            timeline,
            copy_access_token,
            refresh_account,
            grants,
            revoke_grant,
            restore_grant,
            restricted,
            set_restricted,
            activity,
            follow_activity,
            clients,
            servers_of_clients,
            preview_install,
            install,
            undo_install,
            prompts,
            answer_prompt,
            settings,
            change_settings,
            starts_at_login,
            start_at_login,
            lock,
            unlock,
            pause,
            resume,
            move_vault,
            all_grants,
            link_owner,
            take_links,
            test_links,
            installation,
            export_servers,
            import_servers,
            open_import,
            vault_status,
            set_account_approval,
            browsers,
            collect_diagnostics,
            save_diagnostics,
            export_activity,
            start_practice,
            updates_itself,
            find_update,
            install_update,
            copy_text,
            copied_address,
            quit,
        ])
        .events(collect_events![news::Changed, news::OpenPage, news::Notice])
        .disable_serde_phases()
}

/// How the agent is.
#[tauri::command]
#[specta::specta]
pub async fn agent_status(agent: Shared<'_>) -> Answer<AgentStatusReply> {
    agent.request::<AgentStatus>(Empty {}).await
}

/// What came for the main window before its page could listen to events; asked once the page does.
#[tauri::command]
#[specta::specta]
pub fn opening(inbox: State<'_, Inbox>) -> Opening {
    inbox.take()
}

/// Every account, sorted by name.
#[tauri::command]
#[specta::specta]
pub async fn accounts(agent: Shared<'_>) -> Answer<Vec<AccountView>> {
    agent.with(|connection| connection.client().accounts(LISTING)).await
}

/// One account with all that is not secret.
#[tauri::command]
#[specta::specta]
pub async fn account(agent: Shared<'_>, profile: String) -> Answer<AccountDetail> {
    agent.request::<ProfileShow>(ProfileName { profile }).await
}

/// Writes a new profile.
#[tauri::command]
#[specta::specta]
pub async fn add_account(agent: Shared<'_>, account: NewAccount) -> Answer<AccountView> {
    agent.request::<ProfileAdd>(account.into()).await
}

/// Changes how a profile authorizes itself.
#[tauri::command]
#[specta::specta]
pub async fn update_account(agent: Shared<'_>, change: AccountChange) -> Answer<AccountDetail> {
    agent.request::<ProfileUpdate>(change.into()).await
}

/// Gives a profile another name; sign-in and tokens stay.
#[tauri::command]
#[specta::specta]
pub async fn rename_account(agent: Shared<'_>, profile: String, name: String) -> Answer<AccountView> {
    agent.request::<ProfileRename>(ProfileRenameParams { profile, name }).await
}

/// Removes a profile and what the keyring holds for it. Tells the way back; without one, tokens are revoked.
#[tauri::command]
#[specta::specta]
pub async fn remove_account(agent: Shared<'_>, profile: String) -> Answer<Undoable> {
    agent.request::<ProfileRemove>(ProfileName { profile }).await
}

/// Brings a removed profile back whole.
#[tauri::command]
#[specta::specta]
pub async fn restore_account(agent: Shared<'_>, undo: String) -> Answer<AccountView> {
    agent.request::<ProfileRestore>(UndoParams { undo }).await
}

/// Starts a sign-in, or joins the one that is open.
#[tauri::command]
#[specta::specta]
pub async fn sign_in(agent: Shared<'_>, request: SignInRequest) -> Answer<AuthView> {
    agent.request::<AuthStart>(request.into()).await
}

/// How a sign-in stands.
#[tauri::command]
#[specta::specta]
pub async fn sign_in_status(agent: Shared<'_>, profile: String) -> Answer<AuthView> {
    agent.request::<AuthStatus>(AuthStatusParams { profile, seen: None, wait_ms: 0 }).await
}

/// Ends an open sign-in.
#[tauri::command]
#[specta::specta]
pub async fn cancel_sign_in(agent: Shared<'_>, profile: String) -> Answer<()> {
    agent.tell::<AuthCancel>(ProfileName { profile }).await
}

/// Brings a callback address that the user copied out of the browser.
#[tauri::command]
#[specta::specta]
pub async fn complete_sign_in(agent: Shared<'_>, callback_url: String) -> Answer<AuthView> {
    agent.request::<AuthComplete>(AuthCompleteParams { url: callback_url.into() }).await
}

/// Deletes the tokens here, then revokes them at the authorization server.
#[tauri::command]
#[specta::specta]
pub async fn sign_out(agent: Shared<'_>, profile: String) -> Answer<SignOutReply> {
    agent.request::<AccountSignOut>(ProfileName { profile }).await
}

/// Makes a real `tools/list` with the account's token.
#[tauri::command]
#[specta::specta]
pub async fn test_account(agent: Shared<'_>, profile: String) -> Answer<TestReply> {
    agent.request::<AccountTest>(ProfileName { profile }).await
}

/// Lists the server's tools, with the account's token.
#[tauri::command]
#[specta::specta]
pub async fn tools(agent: Shared<'_>, profile: String) -> Answer<ToolsReply> {
    agent.request::<AccountTools>(ProfileName { profile }).await
}

/// When the account had a token in the last 24 hours, and when it will have the next one.
#[tauri::command]
#[specta::specta]
pub async fn timeline(agent: Shared<'_>, profile: String) -> Answer<Timeline> {
    agent.request::<AccountTimeline>(ProfileName { profile }).await
}

/// Puts the access token on the clipboard for half a minute. It never comes near the page.
#[tauri::command]
#[specta::specta]
pub async fn copy_access_token(agent: Shared<'_>, clipboard: State<'_, Clipboard>, profile: String) -> Answer<()> {
    let copied = agent.request::<AccountCopyToken>(ProfileName { profile }).await?;
    clipboard.put_secret(copied.access_token)
}

/// Refreshes now, whatever the token's age.
#[tauri::command]
#[specta::specta]
pub async fn refresh_account(agent: Shared<'_>, profile: String) -> Answer<AccountView> {
    agent.request::<AccountRefresh>(ProfileName { profile }).await
}

/// The remembered answers for an account, the oldest first.
#[tauri::command]
#[specta::specta]
pub async fn grants(agent: Shared<'_>, profile: String) -> Answer<Vec<GrantView>> {
    agent.with(move |connection| client::grants(Some(&profile), |page| connection.ask::<GrantList>(page))).await
}

/// Forgets a remembered answer: the program is asked about again. Tells the way back.
#[tauri::command]
#[specta::specta]
pub async fn revoke_grant(agent: Shared<'_>, grant: String) -> Answer<Undoable> {
    agent.request::<GrantRevoke>(GrantRevokeParams { grant }).await
}

/// Remembers again what was just forgotten.
#[tauri::command]
#[specta::specta]
pub async fn restore_grant(agent: Shared<'_>, undo: String) -> Answer<()> {
    agent.tell::<GrantRestore>(UndoParams { undo }).await
}

/// The accounts that containers and remote hosts may ask for.
#[tauri::command]
#[specta::specta]
pub async fn restricted(agent: Shared<'_>) -> Answer<RestrictedView> {
    agent.request::<RestrictedList>(Empty {}).await
}

/// Lets containers and remote hosts ask for an account, or not any more.
#[tauri::command]
#[specta::specta]
pub async fn set_restricted(agent: Shared<'_>, profile: String, allowed: bool) -> Answer<RestrictedView> {
    let params = RestrictedParams { profile };
    match allowed {
        true => agent.request::<RestrictedAllow>(params).await,
        false => agent.request::<RestrictedDisallow>(params).await,
    }
}

/// What happened, the newest first; the page before ended with the row of this number.
#[tauri::command]
#[specta::specta]
pub async fn activity(agent: Shared<'_>, filter: ActivityFilter, before: Option<u32>) -> Answer<ActivityListReply> {
    let limit = Some(ACTIVITY);
    agent.request::<ActivityList>(ActivityListParams { filter, before, limit }).await
}

/// What happened since the row of this number. Waits a while for something to happen.
#[tauri::command]
#[specta::specta]
pub async fn follow_activity(agent: Shared<'_>, filter: ActivityFilter, seen: u32) -> Answer<ActivityFollowReply> {
    let (seen, wait_ms) = (Some(seen), NEWS);
    agent.request::<ActivityFollow>(ActivityFollowParams { filter, seen, wait_ms }).await
}

/// The MCP clients on this computer, with what stands in their files.
#[tauri::command]
#[specta::specta]
pub async fn clients(agent: Shared<'_>) -> Answer<Vec<ClientView>> {
    agent.with(|connection| client::clients(&environment(), |page| connection.ask::<ClientsScan>(page))).await
}

/// The servers that these clients have, each once, with what is to be known beside them.
#[tauri::command]
#[specta::specta]
pub async fn servers_of_clients(agent: Shared<'_>) -> Answer<ClientsServersReply> {
    let params = ClientsServersParams { environment: environment(), ..ClientsServersParams::default() };
    agent.with(move |connection| client::servers(&params, |page| connection.ask::<ClientsServers>(page))).await
}

/// What would be written so that a client uses an account, in the best way or in this one. Writes nothing.
#[tauri::command]
#[specta::specta]
pub async fn preview_install(
    agent: Shared<'_>,
    client: String,
    profile: String,
    mode: Option<ClientMode>,
) -> Answer<ClientPreview> {
    let environment = environment();
    agent.request::<ClientsPreview>(ClientsPreviewParams { client, profile, mode, environment }).await
}

/// Writes what was previewed, if the client's file is still as it was then.
#[tauri::command]
#[specta::specta]
pub async fn install(agent: Shared<'_>, preview: String) -> Answer<ClientInstall> {
    agent.request::<ClientsApply>(ClientsApplyParams { preview }).await
}

/// Takes back what was written.
#[tauri::command]
#[specta::specta]
pub async fn undo_install(agent: Shared<'_>, client: String, receipt: String) -> Answer<ClientUndone> {
    let (profile, receipt, environment) = (None, Some(receipt), environment());
    agent.request::<ClientsUndo>(ClientsUndoParams { client, profile, receipt, environment }).await
}

/// The prompts that wait for an answer; the first is shown.
#[tauri::command]
#[specta::specta]
pub async fn prompts(agent: Shared<'_>, shown: State<'_, Shown>) -> Answer<PromptQueue> {
    let queue = agent.request::<PromptNext>(PromptNextParams::default()).await?;
    shown.is_first_of(&queue);
    Ok(queue)
}

/// What the user says to a prompt.
#[tauri::command]
#[specta::specta]
pub async fn answer_prompt(agent: Shared<'_>, prompt: String, decision: Decision) -> Answer<()> {
    agent.tell::<PromptAnswer>(PromptAnswerParams { prompt, decision }).await
}

/// The settings as they are.
#[tauri::command]
#[specta::specta]
pub async fn settings(agent: Shared<'_>) -> Answer<Settings> {
    agent.request::<SettingsGet>(Empty {}).await
}

/// Changes those settings that are named.
#[tauri::command]
#[specta::specta]
pub async fn change_settings(agent: Shared<'_>, change: SettingsSetParams) -> Answer<Settings> {
    agent.request::<SettingsSet>(change).await
}

/// Whether the desktop starts when the user logs in.
#[tauri::command]
#[specta::specta]
pub async fn starts_at_login() -> Answer<bool> {
    blocking(autostart::is_on).await?
}

/// Has the desktop start when the user logs in, in the tray and without a window; or not.
#[tauri::command]
#[specta::specta]
pub async fn start_at_login(on: bool) -> Answer<()> {
    blocking(move || autostart::set(on)).await?
}

/// Drops tokens from memory and gives out none until unlocked.
#[tauri::command]
#[specta::specta]
pub async fn lock(agent: Shared<'_>) -> Answer<()> {
    agent.tell::<AgentLock>(Empty {}).await
}

/// Ends the lock, with the vault's passphrase where it has one.
#[tauri::command]
#[specta::specta]
pub async fn unlock(agent: Shared<'_>, passphrase: Option<String>) -> Answer<()> {
    agent.tell::<AgentUnlock>(AgentUnlockParams { passphrase: passphrase.map(SecretString::from) }).await
}

/// Gives out no tokens for so many minutes, or until resumed.
#[tauri::command]
#[specta::specta]
pub async fn pause(agent: Shared<'_>, minutes: Option<u32>) -> Answer<()> {
    agent.tell::<AgentPause>(AgentPauseParams { minutes }).await
}

/// Ends a pause.
#[tauri::command]
#[specta::specta]
pub async fn resume(agent: Shared<'_>) -> Answer<()> {
    agent.tell::<AgentResume>(Empty {}).await
}

/// Moves everything to another vault, with a passphrase where that is to have one.
#[tauri::command]
#[specta::specta]
pub async fn move_vault(agent: Shared<'_>, to: VaultKind, passphrase: Option<String>) -> Answer<()> {
    let passphrase = passphrase.map(SecretString::from);
    agent.request::<VaultMove>(VaultMoveParams { to, passphrase }).await.map(drop)
}

/// The remembered answers for all accounts, the oldest first.
#[tauri::command]
#[specta::specta]
pub async fn all_grants(agent: Shared<'_>) -> Answer<Vec<GrantView>> {
    agent.with(|connection| client::grants(None, |page| connection.ask::<GrantList>(page))).await
}

/// Which program the system opens Keybearer's links with.
#[tauri::command]
#[specta::specta]
pub async fn link_owner(app: AppHandle) -> Answer<LinkOwner> {
    blocking(move || owner::look(&app)).await
}

/// Makes this program the one that opens Keybearer's links.
#[tauri::command]
#[specta::specta]
pub async fn take_links(app: AppHandle) -> Answer<LinkOwner> {
    blocking(move || deep_link::take(&app)).await?
}

/// Opens a link of Keybearer's as a browser would, and waits until it has come back.
#[tauri::command]
#[specta::specta]
pub async fn test_links(app: AppHandle) -> Answer<()> {
    blocking(move || link_test::run(&app)).await?
}

/// Where programs and people find Keybearer on this computer.
#[tauri::command]
#[specta::specta]
pub async fn installation(app: AppHandle) -> Answer<Installation> {
    blocking(move || installation::look(&app)).await?
}

/// Writes all accounts into a file that the person chooses; with a passphrase, sealed and with their sign-ins.
#[tauri::command]
#[specta::specta]
pub async fn export_servers(agent: Shared<'_>, passphrase: Option<String>) -> Answer<Option<TransferExportReply>> {
    let settings = agent.request::<SettingsGet>(Empty {}).await.ok();
    transfer::export(&agent, settings, passphrase.map(SecretString::from)).await
}

/// Adds the accounts of a file that the person chooses.
#[tauri::command]
#[specta::specta]
pub async fn import_servers(agent: Shared<'_>, chosen: State<'_, Chosen>) -> Answer<Option<TransferImportReply>> {
    let settings = agent.request::<SettingsGet>(Empty {}).await.ok();
    transfer::import(&agent, settings, &chosen).await
}

/// Adds the accounts of the sealed file that was chosen last.
#[tauri::command]
#[specta::specta]
pub async fn open_import(
    agent: Shared<'_>,
    chosen: State<'_, Chosen>,
    passphrase: String,
) -> Answer<TransferImportReply> {
    transfer::open(&agent, &chosen, SecretString::from(passphrase)).await
}

/// Where everything lies, by its names.
#[tauri::command]
#[specta::specta]
pub async fn vault_status(agent: Shared<'_>) -> Answer<VaultStatusReply> {
    agent.request::<VaultStatus>(Empty {}).await
}

/// Chooses who gets an account's tokens without being asked about; nothing means what holds for all accounts.
#[tauri::command]
#[specta::specta]
pub async fn set_account_approval(agent: Shared<'_>, profile: String, approval: Option<Approval>) -> Answer<()> {
    agent.tell::<AccountApproval>(AccountApprovalParams { profile, approval }).await
}

/// The browsers that sign-ins can open.
#[tauri::command]
#[specta::specta]
pub async fn browsers() -> Answer<Browsers> {
    blocking(browsers::look).await
}

/// Collects log, settings and how everything is, with everything secret removed.
#[tauri::command]
#[specta::specta]
pub async fn collect_diagnostics(app: AppHandle, with_names: bool) -> Answer<Vec<DiagnosticsFile>> {
    blocking(move || app.state::<Collected>().collect(&app, with_names)).await?
}

/// Writes what was collected last into a file that the person chooses; tells its path.
#[tauri::command]
#[specta::specta]
pub async fn save_diagnostics(agent: Shared<'_>, collected: State<'_, Collected>) -> Answer<Option<String>> {
    let settings = agent.request::<SettingsGet>(Empty {}).await.ok();
    collected.save(settings).await
}

/// Writes the record of activity, of one account or of all, into a file that the person chooses; tells its path.
#[tauri::command]
#[specta::specta]
pub async fn export_activity(agent: Shared<'_>, app: AppHandle, profile: Option<String>) -> Answer<Option<String>> {
    let settings = agent.request::<SettingsGet>(Empty {}).await.ok();
    let rows = blocking(move || record::printed(&app, profile.as_deref())).await??;
    record::save(settings, &rows).await
}

/// Starts the practice server if it doesn't run, and tells the address of its MCP server.
#[tauri::command]
#[specta::specta]
pub async fn start_practice(app: AppHandle) -> Answer<String> {
    blocking(move || app.state::<Practice>().start(&app)).await?
}

/// Whether Keybearer brings newer versions itself, rather than whoever installed it.
#[tauri::command]
#[specta::specta]
pub fn updates_itself(app: AppHandle) -> bool {
    updates::is_own(&app)
}

/// Looks for a newer version, downloads it and checks its signature; tells its number, if there is one.
#[tauri::command]
#[specta::specta]
pub async fn find_update(app: AppHandle) -> Answer<Option<String>> {
    updates::find(&app).await
}

/// Puts the version that was found in the place of this one, and starts it.
#[tauri::command]
#[specta::specta]
pub async fn install_update(app: AppHandle) -> Answer<()> {
    blocking(move || updates::install(&app)).await?
}

/// Puts a text on the clipboard.
#[tauri::command]
#[specta::specta]
pub async fn copy_text(clipboard: State<'_, Clipboard>, text: String) -> Answer<()> {
    clipboard.put(text)
}

/// The address of a server that was copied, if nothing else was: asked by the page for a new server, when it is opened.
#[tauri::command]
#[specta::specta]
pub async fn copied_address(clipboard: State<'_, Clipboard>) -> Answer<Option<String>> {
    let clipboard = clipboard.inner().clone();
    // Another program has to hand it over, and may take its time.
    blocking(move || clipboard.address()).await
}

/// Quits, as the tray does: not every desktop has a place for that one.
#[tauri::command]
#[specta::specta]
pub async fn quit(app: AppHandle) -> Answer<()> {
    blocking(move || keeper::quit(&app)).await
}

/// Lets something wait, off the threads that keep the window alive.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Answer<T> {
    let done = tauri::async_runtime::spawn_blocking(work).await;
    done.map_err(|error| ErrorObject::new(ErrorCode::Internal, error.to_string()))
}
