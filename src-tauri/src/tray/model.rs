//! What the tray shows, as data: made from the state of agent and accounts, compared, and only then drawn.

use super::texts::{Texts, fill};
use crate::action::Action;
use crate::invisible::shown;
use crate::known::Known;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Unit};
use keybearer_protocol::agent::{AgentStatusReply, Pause};
use keybearer_protocol::profile::{AccountStatus, AccountView, AuthType};
use keybearer_protocol::settings::Language;
use keybearer_protocol::vault::VaultState;

/// The most accounts that get a row of their own; the window has them all.
const MOST: usize = 5;

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
    /// No tokens are given out for a while: the user wanted it so.
    Paused,
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

impl Model {
    /// The icon and the menu for what is known.
    pub(super) fn of(known: &Known, language: Language, now: Timestamp) -> Model {
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
                let mood = match status.pause {
                    // Whoever has forgotten it wonders why programs get nothing.
                    Some(_) => Mood::Paused,
                    None if needs_you => Mood::Attention,
                    None => Mood::Idle,
                };
                Model { mood, rows: rows(status, accounts, texts, now) }
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

fn rows(status: &AgentStatusReply, accounts: &[AccountView], texts: &Texts, now: Timestamp) -> Vec<Row> {
    let mut menu = vec![Row::Text(summary(status, accounts, texts))];
    menu.extend(needs_you(accounts).take(MOST).map(|account| row_that_asks(account, texts, now)));
    let quiet: Vec<&AccountView> = accounts.iter().filter(|account| !asks(account.status)).collect();
    let beyond = quiet.len().saturating_sub(MOST) + needs_you(accounts).count().saturating_sub(MOST);
    if !quiet.is_empty() || beyond > 0 {
        menu.push(Row::Separator);
        menu.extend(quiet.into_iter().take(MOST).map(|account| quiet_row(account, texts, now)));
    }
    if beyond > 0 {
        menu.push(Row::Item(fill(texts.more_in_window, beyond), Action::ShowAll));
    }
    menu.extend([Row::Separator, item(texts.add, Action::Add), pause_row(status, texts)]);
    menu.extend([item(texts.lock, Action::Lock), Row::Separator]);
    menu.extend([item(texts.open, Action::Open), item(texts.settings, Action::Settings)]);
    menu.push(item(texts.quit, Action::Quit));
    menu
}

fn summary(status: &AgentStatusReply, accounts: &[AccountView], texts: &Texts) -> String {
    if status.vault != VaultState::Unlocked {
        return texts.no_keyring.to_owned();
    }
    let connected = accounts.iter().filter(|account| account.status == AccountStatus::Connected).count();
    let state = match (status.pause, accounts.len()) {
        (Some(pause), _) => paused(pause, texts),
        (None, 0) => texts.no_servers.to_owned(),
        (None, _) if status.offline => format!("{} · {}", texts.offline, fill(texts.connected, connected)),
        (None, _) => fill(texts.connected, connected),
    };
    match needs_you(accounts).count() {
        0 => state,
        1 => format!("{state} · {}", fill(texts.one_needs_you, 1)),
        need => format!("{state} · {}", fill(texts.more_need_you, need)),
    }
}

fn paused(pause: Pause, texts: &Texts) -> String {
    let clock = |until: Timestamp| until.to_zoned(TimeZone::system()).strftime("%H:%M").to_string();
    pause.until.map_or_else(|| texts.paused.to_owned(), |until| fill(texts.paused_until, clock(until)))
}

/// The way into a pause, or out of it.
fn pause_row(status: &AgentStatusReply, texts: &Texts) -> Row {
    if status.pause.is_some() {
        return item(texts.resume, Action::Resume);
    }
    let rows = [(texts.pause_quarter, Some(15)), (texts.pause_hour, Some(60)), (texts.pause_open, None)];
    Row::Menu(texts.pause.to_owned(), rows.map(|(text, minutes)| item(text, Action::Pause(minutes))).into())
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
        AccountStatus::SigningIn
        | AccountStatus::Expiring
        | AccountStatus::NeedsSignIn
        | AccountStatus::NeedsMoreAccess => true,
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
        AccountStatus::NeedsSignIn | AccountStatus::NeedsMoreAccess => "! ",
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

fn row_that_asks(account: &AccountView, texts: &Texts, now: Timestamp) -> Row {
    let profile = account.profile.clone();
    let (text, action) = if account.status == AccountStatus::NeedsMoreAccess {
        // What more is wanted is shown before anybody signs in for it.
        (texts.wants_more.to_owned(), Action::Show(profile))
    } else if has_fixed_key(account) {
        (texts.replace_key.to_owned(), Action::Show(profile))
    } else {
        (words_that_ask(account.status, minutes_left(account, now), texts), Action::SignIn(profile))
    };
    Row::Item(format!("{}{}", glyph(account.status), fill(&text, shown(&account.label))), action)
}

fn words_that_ask(status: AccountStatus, minutes: Option<i64>, texts: &Texts) -> String {
    match status {
        AccountStatus::SigningIn => texts.open_browser_again.to_owned(),
        AccountStatus::Expiring => match minutes {
            Some(minutes) => texts.expires_in.replace("{minutes}", &minutes.to_string()),
            None => texts.expires_soon.to_owned(),
        },
        AccountStatus::NeedsSignIn
        | AccountStatus::NeedsMoreAccess
        | AccountStatus::Connected
        | AccountStatus::Unreachable
        | AccountStatus::NoSignIn
        | AccountStatus::Locked => texts.sign_in_again.to_owned(),
    }
}

/// The minutes that an account's token is still good for, in its last hour.
fn minutes_left(account: &AccountView, now: Timestamp) -> Option<i64> {
    let left = account.expires_at?.since(now).ok()?.total(Unit::Minute).ok()?;
    #[expect(clippy::cast_possible_truncation, reason = "it is a number of minutes within an hour")]
    (0.0..60.0).contains(&left).then_some(left as i64)
}

fn quiet_row(account: &AccountView, texts: &Texts, now: Timestamp) -> Row {
    let profile = || account.profile.clone();
    let name = format!("{}{}", glyph(account.status), shown(&account.label));
    let label = match (account.status, minutes_left(account, now)) {
        (AccountStatus::Unreachable, _) => format!("{name} · {}", texts.cannot_reach),
        (AccountStatus::Connected, Some(minutes)) => format!("{name} · {}", fill(texts.minutes, minutes)),
        _ => name,
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
            pause: None,
            offline: false,
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
            unreachable_since: None,
            scopes: Vec::new(),
        }
    }

    fn model(accounts: &[(&str, AccountStatus)], language: Language) -> Model {
        let accounts = accounts.iter().map(|(name, status)| account(name, *status)).collect();
        Model::of(&Known::Agent { status: status(false, 0), accounts: Some(accounts) }, language, Timestamp::UNIX_EPOCH)
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

    const END: [&str; 8] = [
        "—",
        "Add server…",
        "Pause giving out tokens ›",
        "Lock now",
        "—",
        "Open Keybearer",
        "Settings…",
        "Quit Keybearer",
    ];

    #[test]
    fn who_needs_the_user_comes_first_and_the_rest_by_name() {
        let model = model(
            &[
                ("acme", AccountStatus::Connected),
                ("figma", AccountStatus::Unreachable),
                ("github", AccountStatus::NeedsSignIn),
                ("notion", AccountStatus::Expiring),
                ("open", AccountStatus::NoSignIn),
                ("slack", AccountStatus::NeedsMoreAccess),
                ("stripe", AccountStatus::SigningIn),
            ],
            Language::English,
        );
        assert_eq!(model.mood, Mood::Attention);
        let expected = [
            "(1 connected · 4 need you)",
            "! Sign in again to github…",
            "◷ notion expires soon: sign in…",
            "! slack asks for more access: review…",
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
    fn the_last_hour_is_told_in_minutes() {
        let now = Timestamp::UNIX_EPOCH;
        let status_now = || status(false, 0);
        for (status, seconds, expected) in [
            (AccountStatus::Connected, 42 * 60 + 59, "✓ a · 42 min ›"),
            (AccountStatus::Connected, 60 * 60, "✓ a ›"),
            (AccountStatus::Connected, -1, "✓ a ›"),
            (AccountStatus::Expiring, 9 * 60, "◷ a expires in 9 min: sign in…"),
            (AccountStatus::Expiring, 2 * 60 * 60, "◷ a expires soon: sign in…"),
        ] {
            let expires_at = Timestamp::from_second(seconds).ok();
            let accounts = Some(vec![AccountView { expires_at, ..account("a", status) }]);
            let model = Model::of(&Known::Agent { status: status_now(), accounts }, Language::English, now);
            assert!(lines(&model).contains(&expected.to_owned()), "{expected}: {model:?}");
        }
    }

    #[test]
    fn a_pause_is_said_and_ended_in_the_menu() {
        let noon = Timestamp::UNIX_EPOCH;
        for (pause, said) in [
            (Pause { until: None }, "(Paused · 1 needs you)".to_owned()),
            (
                Pause { until: Some(noon) },
                format!("(Paused until {} · 1 needs you)", noon.to_zoned(TimeZone::system()).strftime("%H:%M")),
            ),
        ] {
            let mut status = status(false, 0);
            status.pause = Some(pause);
            let accounts = Some(vec![account("a", AccountStatus::NeedsSignIn), account("b", AccountStatus::Connected)]);
            let model = Model::of(&Known::Agent { status, accounts }, Language::English, noon);
            assert_eq!((model.mood, lines(&model).first()), (Mood::Paused, Some(&said)));
            assert!(
                model.rows.contains(&Row::Item("Resume giving out tokens".to_owned(), Action::Resume)),
                "{model:?}"
            );
        }
        let model = model(&[], Language::English);
        let is_pause = |row: &&Row| matches!(row, Row::Menu(text, _) if text == "Pause giving out tokens");
        let Some(Row::Menu(_, ways)) = model.rows.iter().find(is_pause) else { panic!("{model:?}") };
        let ways = lines(&Model { mood: Mood::Idle, rows: ways.clone() });
        assert_eq!(ways, ["For 15 minutes", "For 1 hour", "Until I resume"]);
    }

    #[test]
    fn without_a_network_the_summary_says_so_and_nothing_is_asked() {
        let mut status = status(false, 0);
        status.offline = true;
        let accounts = Some(vec![account("a", AccountStatus::Connected)]);
        let model = Model::of(&Known::Agent { status, accounts }, Language::English, Timestamp::UNIX_EPOCH);
        assert_eq!((model.mood, lines(&model).first()), (Mood::Idle, Some(&"(Offline · 1 connected)".to_owned())));
    }

    #[test]
    fn a_fixed_key_is_replaced_in_the_window() {
        for auth in [AuthType::Bearer, AuthType::Header, AuthType::Basic] {
            let [bad, good] = [("bad", AccountStatus::NeedsSignIn), ("good", AccountStatus::Connected)]
                .map(|(name, status)| AccountView { auth, ..account(name, status) });
            let known = Known::Agent { status: status(false, 0), accounts: Some(vec![bad, good]) };
            let rows = Model::of(&known, Language::English, Timestamp::UNIX_EPOCH).rows;
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
        let model =
            Model::of(&Known::Agent { status: status(true, 2), accounts }, Language::English, Timestamp::UNIX_EPOCH);
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
            let model = Model::of(&known, Language::English, Timestamp::UNIX_EPOCH);
            assert_eq!(lines(&model), [summary, "—", "Open Keybearer", "Quit Keybearer"]);
        }
    }

    #[test]
    fn chinese_says_the_same() {
        let model = model(&[("github", AccountStatus::NeedsSignIn)], Language::SimplifiedChinese);
        let expected =
            ["(0 个已连接 · 1 个待处理)", "! 重新登录 github…", "—", "添加服务器…", "暂停提供令牌 ›", "立即锁定"];
        assert_eq!(lines(&model)[..6], expected);
    }
}
