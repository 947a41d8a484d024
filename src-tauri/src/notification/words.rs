//! What a notification says, made from the state of agent and accounts.

use super::texts::Texts;
use crate::action::Action;
use crate::invisible;
use crate::known::Known;
use keybearer_protocol::profile::{AccountStatus, AccountView, AuthType};
use keybearer_protocol::settings::Language;

/// The most accounts that are named.
const NAMED: usize = 3;

/// A notification, ready to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Notice {
    /// What happened.
    pub(super) title: String,
    /// What it means.
    pub(super) body: String,
    /// What its button says.
    pub(super) button: &'static str,
    /// What the button does, and a click on the notification.
    pub(super) action: Action,
}

/// An account that the user is told of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Asking {
    profile: String,
    label: String,
    why: Why,
}

/// Why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Why {
    SignIn,
    Key,
    MoreAccess,
    Expires,
}

/// The accounts that the user is told of; none if they can't or mustn't be named.
pub(super) fn asking(known: &Known) -> Option<Vec<Asking>> {
    match known {
        Known::Agent { status, accounts: Some(accounts) } if !status.locked => {
            Some(accounts.iter().filter_map(Asking::of).collect())
        }
        Known::Starting | Known::Nothing | Known::Agent { .. } => None,
    }
}

/// How many questions wait, where that is known, and whether the lock keeps them from being answered.
pub(super) fn waiting(known: &Known) -> (Option<u32>, bool) {
    match known {
        // Another desktop tells of its own.
        Known::Agent { status, .. } => (status.prompter.then_some(status.prompts), status.locked),
        Known::Starting | Known::Nothing => (Some(0), false),
    }
}

impl Asking {
    fn of(account: &AccountView) -> Option<Asking> {
        let has_fixed_key = matches!(account.auth, AuthType::Bearer | AuthType::Header | AuthType::Basic);
        let why = match account.status {
            AccountStatus::NeedsSignIn if has_fixed_key => Why::Key,
            AccountStatus::NeedsSignIn => Why::SignIn,
            AccountStatus::NeedsMoreAccess => Why::MoreAccess,
            AccountStatus::Expiring => Why::Expires,
            // Who signs in knows of it.
            AccountStatus::SigningIn
            | AccountStatus::Connected
            | AccountStatus::Unreachable
            | AccountStatus::NoSignIn
            | AccountStatus::Locked => return None,
        };
        Some(Asking { profile: account.profile.clone(), label: invisible::shown(&account.label), why })
    }
}

/// What is told of these accounts.
pub(super) fn of_accounts(asking: &[Asking], language: Language) -> Notice {
    let texts = Texts::of(language);
    let [Asking { profile, label, why }] = asking else {
        let named: Vec<&str> = asking.iter().take(NAMED).map(|asking| &*asking.label).collect();
        let mut body = named.join(texts.comma);
        if asking.len() > NAMED {
            body += &texts.more.replace("{}", &(asking.len() - NAMED).to_string());
        }
        let title = texts.several.replace("{}", &asking.len().to_string());
        return Notice { title, body, button: texts.show, action: Action::ShowAll };
    };
    let profile = profile.clone();
    let (title, body, button, action) = match why {
        Why::SignIn => (texts.sign_in, texts.sign_in_means, texts.sign_in_button, Action::SignIn(profile)),
        Why::Key => (texts.key, texts.key_means, texts.key_button, Action::Show(profile)),
        Why::MoreAccess => (texts.more_access, texts.more_access_means, texts.review, Action::Show(profile)),
        Why::Expires => (texts.expires, texts.expires_means, texts.sign_in_button, Action::SignIn(profile)),
    };
    Notice { title: title.replace("{}", label), body: body.to_owned(), button, action }
}

/// What is told of so many questions. Under a lock they can't be answered.
pub(super) fn of_questions(count: usize, locked: bool, language: Language) -> Notice {
    let texts = Texts::of(language);
    let title = match count {
        1 => texts.one_waits.to_owned(),
        _ => texts.more_wait.replace("{}", &count.to_string()),
    };
    let (body, button, action) = match locked {
        true => (texts.waits_locked, texts.unlock, Action::Open),
        false => (texts.waits_means, texts.answer, Action::Answer),
    };
    Notice { title, body: body.to_owned(), button, action }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(name: &str, status: AccountStatus, auth: AuthType) -> AccountView {
        AccountView {
            profile: name.to_owned(),
            label: name.to_owned(),
            server_url: "https://mcp.example/".to_owned(),
            auth,
            status,
            expires_at: None,
            scopes: vec!["secret.scope".to_owned()],
            unreachable_since: None,
        }
    }

    fn told(accounts: &[(&str, AccountStatus)], language: Language) -> Option<Notice> {
        let accounts = accounts.iter().map(|(name, status)| account(name, *status, AuthType::Oauth));
        let asking: Vec<Asking> = accounts.filter_map(|account| Asking::of(&account)).collect();
        (!asking.is_empty()).then(|| of_accounts(&asking, language))
    }

    #[test]
    fn each_state_that_asks_has_its_one_button() {
        let one = |status| told(&[("github", status)], Language::English).map(|notice| (notice.title, notice.action));
        let (show, sign_in) = (Action::Show("github".to_owned()), Action::SignIn("github".to_owned()));
        let says = |title: &str, action: &Action| Some((title.to_owned(), action.clone()));
        assert_eq!(one(AccountStatus::NeedsSignIn), says("github needs a sign-in", &sign_in));
        assert_eq!(one(AccountStatus::Expiring), says("github expires soon", &sign_in));
        assert_eq!(one(AccountStatus::NeedsMoreAccess), says("github asks for more access", &show));
        for quiet in [AccountStatus::Connected, AccountStatus::SigningIn, AccountStatus::Unreachable] {
            assert_eq!(one(quiet), None, "{quiet:?}");
        }
        let key = Asking::of(&account("key", AccountStatus::NeedsSignIn, AuthType::Bearer));
        let key = of_accounts(&[key.expect("it asks")], Language::English);
        assert_eq!((&*key.title, key.action), ("key’s key no longer works", Action::Show("key".to_owned())));
    }

    #[test]
    fn several_accounts_are_one_notification() {
        let names = ["a", "b", "c", "d", "e"].map(|name| (name, AccountStatus::NeedsSignIn));
        let notice = told(&names, Language::English).expect("they ask");
        assert_eq!((&*notice.title, &*notice.body), ("5 accounts need you", "a, b, c and 2 more"));
        assert_eq!(notice.action, Action::ShowAll);
        let notice = told(&names, Language::SimplifiedChinese).expect("they ask");
        assert_eq!((&*notice.title, &*notice.body), ("5 个账号待处理", "a、b、c，还有 2 个"));
    }

    #[test]
    fn what_an_account_may_do_is_not_told() {
        let all = [AccountStatus::NeedsSignIn, AccountStatus::NeedsMoreAccess, AccountStatus::Expiring];
        for notice in all.into_iter().filter_map(|status| told(&[("github", status)], Language::English)) {
            assert!(!format!("{notice:?}").contains("secret.scope"), "{notice:?}");
        }
    }

    #[test]
    fn a_question_can_not_be_answered_under_a_lock() {
        assert_eq!(of_questions(1, false, Language::English).action, Action::Answer);
        let locked = of_questions(2, true, Language::English);
        assert_eq!((&*locked.title, locked.action), ("2 programs wait for your answer", Action::Open));
    }
}
