//! What the tray shows, as data: made from the state of agent and accounts, compared, and only then drawn.

use super::texts::{Texts, fill};
use crate::invisible;
use keybearer_protocol::agent::AgentStatusReply;
use keybearer_protocol::profile::{AccountStatus, AccountView, AuthType};
use keybearer_protocol::settings::Language;
use keybearer_protocol::vault::VaultState;

/// The most accounts that get a row of their own; the window has them all.
const MOST: usize = 5;
/// The most characters of a name that are shown: some servers choose theirs.
const NAME: usize = 40;

/// What is known of the agent.
#[derive(Debug)]
pub(super) enum Known {
    /// It is being started.
    Starting,
    /// It can't be reached.
    Nothing,
    /// It is there.
    Agent {
        /// How it is.
        status: Box<AgentStatusReply>,
        /// The accounts, unless they can't be read.
        accounts: Option<Vec<AccountView>>,
    },
}

/// Icon and menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Model {
    /// The icon.
    pub(super) mood: Mood,
    /// The menu, from top to bottom.
    pub(super) rows: Vec<Row>,
}

/// What the icon says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mood {
    /// Nothing is asked of the user.
    Idle,
    /// Something needs the user.
    Attention,
    /// No tokens are given out until it is unlocked.
    Locked,
}

/// One row of the menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Row {
    /// A text that can't be chosen.
    Text(String),
    /// Something to do.
    Item(String, Action),
    /// A menu of its own.
    Menu(String, Vec<Row>),
    /// A line.
    Separator,
}

/// What a row does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Starts or joins the sign-in of this account, and shows it.
    SignIn(String),
    /// Makes a real request with its token.
    Test(String),
    /// Renews its token.
    Refresh(String),
    /// Copies the command that prints its token.
    CopyCommand(String),
    /// Shows it.
    Show(String),
    /// Shows the whole list.
    ShowAll,
    /// Shows the way to add a server.
    Add,
    /// Locks.
    Lock,
    /// Unlocks.
    Unlock,
    /// Shows the window as it is.
    Open,
    /// Shows the settings.
    Settings,
    /// Ends the desktop.
    Quit,
}

impl Model {
    /// The icon and the menu for what is known.
    pub(super) fn of(known: &Known, language: Language) -> Model {
        let texts = Texts::of(language);
        match known {
            Known::Starting => Model { mood: Mood::Idle, rows: alone(texts, texts.starting, &[]) },
            Known::Nothing => Model { mood: Mood::Attention, rows: alone(texts, texts.no_agent, &[]) },
            Known::Agent { status, .. } if status.locked => {
                // A passphrase is typed in the window.
                let way = if status.wants_passphrase { Action::Open } else { Action::Unlock };
                let unlock = Row::Item(texts.unlock.to_owned(), way);
                Model { mood: Mood::Locked, rows: alone(texts, &locked(status, texts), &[unlock]) }
            }
            Known::Agent { accounts: None, .. } => {
                Model { mood: Mood::Attention, rows: alone(texts, texts.no_list, &[]) }
            }
            Known::Agent { status, accounts: Some(accounts) } => {
                let needs_you = needs_you(accounts).next().is_some() || status.vault != VaultState::Unlocked;
                let mood = if needs_you { Mood::Attention } else { Mood::Idle };
                Model { mood, rows: rows(status, accounts, texts) }
            }
        }
    }
}

/// The menu where accounts can't or mustn't be named.
fn alone(texts: &Texts, summary: &str, rows: &[Row]) -> Vec<Row> {
    let mut menu = vec![Row::Text(summary.to_owned())];
    menu.extend_from_slice(rows);
    menu.extend([Row::Separator, item(texts.open, Action::Open), item(texts.quit, Action::Quit)]);
    menu
}

fn rows(status: &AgentStatusReply, accounts: &[AccountView], texts: &Texts) -> Vec<Row> {
    let mut menu = vec![Row::Text(summary(status, accounts, texts))];
    menu.extend(needs_you(accounts).take(MOST).map(|account| row_that_asks(account, texts)));
    let quiet: Vec<&AccountView> = accounts.iter().filter(|account| !asks(account.status)).collect();
    let beyond = quiet.len().saturating_sub(MOST) + needs_you(accounts).count().saturating_sub(MOST);
    if !quiet.is_empty() || beyond > 0 {
        menu.push(Row::Separator);
        menu.extend(quiet.into_iter().take(MOST).map(|account| quiet_row(account, texts)));
    }
    if beyond > 0 {
        menu.push(Row::Item(fill(texts.more_in_window, beyond), Action::ShowAll));
    }
    menu.extend([Row::Separator, item(texts.add, Action::Add), item(texts.lock, Action::Lock), Row::Separator]);
    menu.extend([item(texts.open, Action::Open), item(texts.settings, Action::Settings)]);
    menu.push(item(texts.quit, Action::Quit));
    menu
}

fn summary(status: &AgentStatusReply, accounts: &[AccountView], texts: &Texts) -> String {
    if status.vault != VaultState::Unlocked {
        return texts.no_keyring.to_owned();
    }
    let connected = accounts.iter().filter(|account| account.status == AccountStatus::Connected).count();
    match (accounts.len(), needs_you(accounts).count()) {
        (0, _) => texts.no_servers.to_owned(),
        (_, 0) => fill(texts.connected, connected),
        (_, 1) => format!("{} · {}", fill(texts.connected, connected), fill(texts.one_needs_you, 1)),
        (_, need) => format!("{} · {}", fill(texts.connected, connected), fill(texts.more_need_you, need)),
    }
}

fn locked(status: &AgentStatusReply, texts: &Texts) -> String {
    match status.prompts {
        0 => texts.locked.to_owned(),
        1 => format!("{} · {}", texts.locked, fill(texts.one_waits, 1)),
        wait => format!("{} · {}", texts.locked, fill(texts.more_wait, wait)),
    }
}

fn needs_you(accounts: &[AccountView]) -> impl Iterator<Item = &AccountView> {
    accounts.iter().filter(|account| asks(account.status))
}

/// Whether an account in this state asks something of the user.
fn asks(status: AccountStatus) -> bool {
    match status {
        AccountStatus::SigningIn | AccountStatus::Expiring | AccountStatus::NeedsSignIn => true,
        AccountStatus::Connected | AccountStatus::Unreachable | AccountStatus::NoSignIn | AccountStatus::Locked => {
            false
        }
    }
}

/// The glyph of a state: menus have no icons everywhere.
fn glyph(status: AccountStatus) -> &'static str {
    match status {
        AccountStatus::Connected => "✓ ",
        AccountStatus::SigningIn => "… ",
        AccountStatus::Expiring => "◷ ",
        AccountStatus::NeedsSignIn => "! ",
        AccountStatus::Unreachable => "⨯ ",
        AccountStatus::NoSignIn => "– ",
        AccountStatus::Locked => "",
    }
}

/// Whether an account's credential was made elsewhere: no browser brings a new one, and it isn't renewed.
fn has_fixed_key(account: &AccountView) -> bool {
    match account.auth {
        AuthType::Bearer | AuthType::Header | AuthType::Basic => true,
        AuthType::Auto
        | AuthType::Oauth
        | AuthType::Device
        | AuthType::ClientCredentials
        | AuthType::Workload
        | AuthType::Enterprise
        | AuthType::None => false,
    }
}

fn row_that_asks(account: &AccountView, texts: &Texts) -> Row {
    let profile = account.profile.clone();
    let (text, action) = if has_fixed_key(account) {
        (texts.replace_key, Action::Show(profile))
    } else {
        (words_that_ask(account.status, texts), Action::SignIn(profile))
    };
    Row::Item(format!("{}{}", glyph(account.status), fill(text, shown(&account.label))), action)
}

fn words_that_ask(status: AccountStatus, texts: &Texts) -> &'static str {
    match status {
        AccountStatus::SigningIn => texts.open_browser_again,
        AccountStatus::Expiring => texts.expires_soon,
        AccountStatus::NeedsSignIn
        | AccountStatus::Connected
        | AccountStatus::Unreachable
        | AccountStatus::NoSignIn
        | AccountStatus::Locked => texts.sign_in_again,
    }
}

fn quiet_row(account: &AccountView, texts: &Texts) -> Row {
    let profile = || account.profile.clone();
    let name = format!("{}{}", glyph(account.status), shown(&account.label));
    let label = match account.status {
        AccountStatus::Unreachable => format!("{name} · {}", texts.cannot_reach),
        AccountStatus::Connected
        | AccountStatus::SigningIn
        | AccountStatus::Expiring
        | AccountStatus::NeedsSignIn
        | AccountStatus::NoSignIn
        | AccountStatus::Locked => name,
    };
    let mut rows = vec![item(texts.test, Action::Test(profile()))];
    let is_open = account.status == AccountStatus::NoSignIn;
    let signs_in = !is_open && !has_fixed_key(account);
    if signs_in {
        rows.push(item(texts.refresh, Action::Refresh(profile())));
    }
    if !is_open {
        rows.push(item(texts.copy_command, Action::CopyCommand(profile())));
    }
    rows.push(Row::Separator);
    rows.push(item(texts.show, Action::Show(profile())));
    if signs_in {
        // The page asks once more before it signs out.
        rows.push(item(texts.sign_out, Action::Show(profile())));
    }
    Row::Menu(label, rows)
}

fn item(text: &str, action: Action) -> Row {
    Row::Item(text.to_owned(), action)
}

/// A name as it may stand in a menu: short, and without what makes it look like another.
fn shown(name: &str) -> String {
    let plain: Vec<char> = name.chars().filter(|c| !invisible::is(*c)).collect();
    let cut: String = plain.iter().take(NAME).collect();
    if plain.len() > NAME { format!("{cut}…") } else { cut }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keybearer_protocol::vault::VaultKind;

    fn status(locked: bool, prompts: u32) -> Box<AgentStatusReply> {
        Box::new(AgentStatusReply {
            version: "0.1.0".to_owned(),
            pid: 1,
            started_at: jiff::Timestamp::UNIX_EPOCH,
            started_by: keybearer_protocol::agent::StartedBy::Command,
            accounts: 0,
            need_user: 0,
            locked,
            lock_problem: None,
            prompter: true,
            prompts,
            vault_kind: Some(VaultKind::Keyring),
            wants_passphrase: false,
            vault: VaultState::Unlocked,
            vault_problem: None,
            vault_advice: None,
            configuration_problem: None,
            gateway_problem: None,
            activity_problem: None,
            activity_advice: None,
        })
    }

    fn account(name: &str, status: AccountStatus) -> AccountView {
        AccountView {
            profile: name.to_owned(),
            label: name.to_owned(),
            server_url: "https://mcp.example/".to_owned(),
            auth: AuthType::Auto,
            status,
            expires_at: None,
            scopes: Vec::new(),
        }
    }

    fn model(accounts: &[(&str, AccountStatus)], language: Language) -> Model {
        let accounts = accounts.iter().map(|(name, status)| account(name, *status)).collect();
        Model::of(&Known::Agent { status: status(false, 0), accounts: Some(accounts) }, language)
    }

    /// The menu as lines; what is under a row is left out.
    fn lines(model: &Model) -> Vec<String> {
        let line = |row: &Row| match row {
            Row::Text(text) => format!("({text})"),
            Row::Item(text, _) => text.clone(),
            Row::Menu(text, _) => format!("{text} ›"),
            Row::Separator => "—".to_owned(),
        };
        model.rows.iter().map(line).collect()
    }

    const END: [&str; 7] = ["—", "Add server…", "Lock now", "—", "Open Keybearer", "Settings…", "Quit Keybearer"];

    #[test]
    fn who_needs_the_user_comes_first_and_the_rest_by_name() {
        let model = model(
            &[
                ("acme", AccountStatus::Connected),
                ("figma", AccountStatus::Unreachable),
                ("github", AccountStatus::NeedsSignIn),
                ("notion", AccountStatus::Expiring),
                ("open", AccountStatus::NoSignIn),
                ("stripe", AccountStatus::SigningIn),
            ],
            Language::English,
        );
        assert_eq!(model.mood, Mood::Attention);
        let expected = [
            "(1 connected · 3 need you)",
            "! Sign in again to github…",
            "◷ notion expires soon: sign in…",
            "… stripe: open browser again",
            "—",
            "✓ acme ›",
            "⨯ figma · Can’t reach server ›",
            "– open ›",
        ];
        assert_eq!(lines(&model), [&expected[..], &END[..]].concat());
        assert_eq!(
            model.rows[1],
            Row::Item("! Sign in again to github…".to_owned(), Action::SignIn("github".to_owned()))
        );
    }

    #[test]
    fn five_accounts_have_rows_and_the_window_has_the_rest() {
        let names = ["a", "b", "c", "d", "e", "f", "g"];
        let accounts: Vec<_> = names.iter().map(|name| (*name, AccountStatus::Connected)).collect();
        let model = model(&accounts, Language::English);
        assert_eq!(model.mood, Mood::Idle);
        let expected = ["(7 connected)", "—", "✓ a ›", "✓ b ›", "✓ c ›", "✓ d ›", "✓ e ›", "2 more in the window…"];
        assert_eq!(lines(&model), [&expected[..], &END[..]].concat());
        let Row::Menu(_, below) = &model.rows[2] else { panic!("an account has a menu") };
        let below = lines(&Model { mood: Mood::Idle, rows: below.clone() });
        assert_eq!(
            below,
            ["Test connection", "Refresh now", "Copy helper command", "—", "Show in window", "Sign out…"]
        );
    }

    #[test]
    fn a_fixed_key_is_replaced_in_the_window() {
        for auth in [AuthType::Bearer, AuthType::Header, AuthType::Basic] {
            let [bad, good] = [("bad", AccountStatus::NeedsSignIn), ("good", AccountStatus::Connected)]
                .map(|(name, status)| AccountView { auth, ..account(name, status) });
            let known = Known::Agent { status: status(false, 0), accounts: Some(vec![bad, good]) };
            let rows = Model::of(&known, Language::English).rows;
            let shows = Row::Item("! Replace the key of bad…".to_owned(), Action::Show("bad".to_owned()));
            assert_eq!(rows.get(1), Some(&shows));
            let Some(Row::Menu(_, below)) = rows.get(3) else { panic!("an account has a menu") };
            let below = lines(&Model { mood: Mood::Idle, rows: below.clone() });
            assert_eq!(below, ["Test connection", "Copy helper command", "—", "Show in window"]);
        }
    }

    #[test]
    fn a_lock_hides_every_name() {
        let accounts = Some(vec![account("secret-client", AccountStatus::Connected)]);
        let model = Model::of(&Known::Agent { status: status(true, 2), accounts }, Language::English);
        assert_eq!(model.mood, Mood::Locked);
        let expected = ["(Locked · 2 programs waiting)", "Unlock…", "—", "Open Keybearer", "Quit Keybearer"];
        assert_eq!(lines(&model), expected);
    }

    #[test]
    fn without_an_agent_window_and_quit_remain() {
        for (known, summary) in [
            (Known::Starting, "(Starting…)"),
            (Known::Nothing, "(The agent isn’t running)"),
            (Known::Agent { status: status(false, 0), accounts: None }, "(The servers can’t be listed)"),
        ] {
            let model = Model::of(&known, Language::English);
            assert_eq!(lines(&model), [summary, "—", "Open Keybearer", "Quit Keybearer"]);
        }
    }

    #[test]
    fn chinese_says_the_same() {
        let model = model(&[("github", AccountStatus::NeedsSignIn)], Language::SimplifiedChinese);
        let expected = ["(0 个已连接 · 1 个待处理)", "! 重新登录 github…", "—", "添加服务器…", "立即锁定"];
        assert_eq!(lines(&model)[..5], expected);
    }

    #[test]
    fn a_name_can_not_pose_as_another() {
        assert_eq!(shown("lin\u{202e}e\u{2060}a\u{e0041}r\n"), "linear");
        assert_eq!(shown(&"x".repeat(41)), format!("{}…", "x".repeat(40)));
    }
}
