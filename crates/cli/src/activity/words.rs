//! A row as people read it: when, which account, what happened.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use keybearer_protocol::activity::{ActivityCaller, ActivityEntry, ActivityKind, ActivityRow};
use keybearer_protocol::prompt::Decision;

/// One line.
pub(super) fn in_words(row: &ActivityRow) -> String {
    let entry = &row.entry;
    let mut line = format!("{}  {:16}  {}", at(entry.at), entry.profile.as_deref().unwrap_or("-"), what(entry));
    if let Some(until) = entry.until {
        let lasted = matches!(entry.kind, ActivityKind::Paused | ActivityKind::Slept);
        line += &format!("{}{}", if lasted { " until " } else { ", the last at " }, clock(until));
    }
    if let Some(reason) = &entry.reason {
        line += &format!(", because \"{reason}\"");
    }
    visible(&line)
}

fn what(entry: &ActivityEntry) -> String {
    let who = entry.caller.as_ref().map(who);
    let who = || who.clone().unwrap_or_else(|| "Keybearer".to_owned());
    let times = if entry.calls > 1 { format!(" {} times", entry.calls) } else { String::new() };
    let renewed = if entry.from_cache == Some(false) { ", renewed for it" } else { "" };
    match entry.kind {
        ActivityKind::TokenGiven => format!("access token given{times} to {}{renewed}", who()),
        ActivityKind::HeaderGiven => format!("headers given{times} to {}{renewed}", who()),
        ActivityKind::RequestCarried if entry.calls > 1 => {
            format!("{} requests of {} carried to the server", entry.calls, who())
        }
        ActivityKind::RequestCarried => format!("request of {} carried to the server{renewed}", who()),
        ActivityKind::TokenCopied => "access token copied by you".to_owned(),
        ActivityKind::Refused => format!("refused{times} to {}: {}", who(), why(entry)),
        ActivityKind::PromptAnswered => format!("you said \"{}\" to {}", answer(entry.decision), who()),
        ActivityKind::GrantRevoked => {
            format!("your answer to {} was forgotten", entry.cause.as_deref().unwrap_or("a program"))
        }
        ActivityKind::GrantRestored => {
            format!("your answer to {} holds again", entry.cause.as_deref().unwrap_or("a program"))
        }
        ActivityKind::TokenRefreshed => match entry.expires_at {
            Some(end) => format!("token refreshed, good until {}", clock(end)),
            None => "token refreshed".to_owned(),
        },
        ActivityKind::RefreshFailed => format!("refresh failed: {}", why(entry)),
        ActivityKind::SignedIn => "signed in".to_owned(),
        ActivityKind::SignInFailed => format!("sign-in failed: {}", why(entry)),
        ActivityKind::SignedOut => match entry.cause.as_deref() {
            Some("revoked") => "signed out, tokens revoked".to_owned(),
            Some(_) | None => "signed out, tokens deleted here".to_owned(),
        },
        ActivityKind::AccountAdded => format!("account added by {}", who()),
        ActivityKind::AccountChanged => format!("account changed by {}", who()),
        ActivityKind::AccountRemoved => format!("account removed by {}", who()),
        ActivityKind::AccountRestored => format!("account brought back by {}", who()),
        ActivityKind::ClientInstalled => format!("written into the file of {} by {}", client(entry), who()),
        ActivityKind::ClientUndone => format!("taken back from the file of {} by {}", client(entry), who()),
        ActivityKind::Locked => match entry.cause.as_deref() {
            Some("screen") => "locked with the screen".to_owned(),
            Some("sleep") => "locked before sleep".to_owned(),
            Some("idle") => "locked because nobody was there".to_owned(),
            Some(_) | None => format!("locked by {}", who()),
        },
        ActivityKind::Unlocked => format!("unlocked by {}", who()),
        ActivityKind::Paused => match entry.until {
            Some(_) => format!("paused by {}", who()),
            None => format!("paused by {} until resumed", who()),
        },
        ActivityKind::Resumed => match entry.caller {
            Some(_) => format!("resumed by {}", who()),
            None => "the pause ended".to_owned(),
        },
        ActivityKind::Slept => "the computer slept".to_owned(),
        ActivityKind::ProtectionChanged => format!("protection changed by {}: {}", who(), protection(entry)),
        ActivityKind::ConnectionRefused => format!("hung up{times} on {}: {}", who(), why(entry)),
        ActivityKind::RecordBegun => match entry.cause.as_deref() {
            Some("set_aside") => format!("a new record begins; {} put the old one aside", who()),
            Some("taken_away") => "a new record begins: somebody took the old one away".to_owned(),
            Some(_) | None => "the record begins".to_owned(),
        },
        ActivityKind::RowsMissed => format!("{} rows are missing here: they could not be written", entry.calls),
    }
}

/// The MCP client whose file was written.
fn client(entry: &ActivityEntry) -> &str {
    entry.cause.as_deref().unwrap_or("a client")
}

fn who(caller: &ActivityCaller) -> String {
    let mut who = caller.program.name.clone().unwrap_or_else(|| "an unknown program".to_owned());
    if let Some(pid) = caller.program.pid.or(caller.pid) {
        who += &format!(" (process {pid})");
    }
    if !caller.claimed_name.is_empty() {
        who += &format!(", which calls itself \"{}\"", caller.claimed_name);
    }
    who
}

fn why(entry: &ActivityEntry) -> String {
    let plain = |word: &String| word.replace('_', " ");
    match (&entry.error, &entry.cause) {
        (Some(error), Some(cause)) => format!("{} ({})", plain(error), plain(cause)),
        (Some(word), None) | (None, Some(word)) => plain(word),
        (None, None) => "for no reason that is known".to_owned(),
    }
}

fn answer(decision: Option<Decision>) -> &'static str {
    match decision {
        Some(Decision::Deny) | None => "deny",
        Some(Decision::Once) => "once",
        Some(Decision::WhileRunning) => "while it runs",
        Some(Decision::Always) => "always",
    }
}

fn protection(entry: &ActivityEntry) -> String {
    match entry.cause.as_deref() {
        Some("approval_ask") => "you are asked about programs".to_owned(),
        Some("approval_same_user") => "all your programs may, unasked".to_owned(),
        Some("approval_as_all") => "asked about like all other accounts".to_owned(),
        Some("changed_programs_ask") => "you are asked again about programs that changed".to_owned(),
        Some("changed_programs_deny") => "programs that changed get nothing".to_owned(),
        Some("answer_time") => "how long an answer is waited for".to_owned(),
        Some("gateway_key") => "a client got a key of the gateway".to_owned(),
        Some("auto_lock") => "when it locks by itself".to_owned(),
        Some("exceptions_accepted") => "a check of the sign-in was weakened".to_owned(),
        Some("vault_moved") => "secrets lie in another vault".to_owned(),
        Some("sign_ins_exported") => "sign-ins were written into a sealed file".to_owned(),
        Some("passphrase_changed") => "the vault's passphrase".to_owned(),
        Some(word) => word.replace('_', " "),
        None => "in a way that isn't known".to_owned(),
    }
}

fn at(time: Timestamp) -> String {
    time.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn clock(time: Timestamp) -> String {
    time.to_zoned(TimeZone::system()).strftime("%H:%M:%S").to_string()
}

/// What a terminal would do something with, such as move the cursor, is shown and not done.
fn visible(line: &str) -> String {
    let acts = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    line.chars().map(|c| if acts(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use keybearer_protocol::program::ProgramView;

    #[test]
    fn what_programs_call_themselves_stays_in_its_line_and_its_quotes() {
        let program = ProgramView { name: Some("bot\u{1b}[2J.py".into()), pid: Some(7), ..ProgramView::default() };
        let caller = ActivityCaller { program, claimed_name: "Claude\u{202e}".into(), ..ActivityCaller::default() };
        let mut entry = ActivityEntry::new(ActivityKind::TokenGiven, Timestamp::UNIX_EPOCH);
        (entry.caller, entry.calls, entry.profile) = (Some(caller), 3, Some("linear".into()));
        entry.reason = Some("to triage\n".into());
        let line = in_words(&ActivityRow { number: 1, hash: String::new(), entry });
        assert!(
            line.ends_with(
                "  linear            access token given 3 times to bot\u{fffd}[2J.py (process 7), which calls itself \
                 \"Claude\u{fffd}\", because \"to triage\u{fffd}\""
            ),
            "{line}"
        );
    }
}
