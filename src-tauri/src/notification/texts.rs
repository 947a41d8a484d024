//! The words of notifications in every language of the window. `{}` stands for a name or a number.

use keybearer_protocol::settings::Language;

/// One language.
#[derive(Debug)]
pub(super) struct Texts {
    pub(super) sign_in: &'static str,
    pub(super) sign_in_means: &'static str,
    pub(super) sign_in_button: &'static str,
    pub(super) key: &'static str,
    pub(super) key_means: &'static str,
    pub(super) key_button: &'static str,
    pub(super) more_access: &'static str,
    pub(super) more_access_means: &'static str,
    pub(super) review: &'static str,
    pub(super) expires: &'static str,
    pub(super) expires_means: &'static str,
    pub(super) several: &'static str,
    pub(super) comma: &'static str,
    pub(super) more: &'static str,
    pub(super) show: &'static str,
    pub(super) one_waits: &'static str,
    pub(super) more_wait: &'static str,
    pub(super) waits_means: &'static str,
    pub(super) waits_locked: &'static str,
    pub(super) answer: &'static str,
    pub(super) unlock: &'static str,
}

impl Texts {
    /// The words of a language.
    pub(super) fn of(language: Language) -> &'static Texts {
        match language {
            Language::English => &ENGLISH,
            Language::SimplifiedChinese => &SIMPLIFIED_CHINESE,
        }
    }
}

static ENGLISH: Texts = Texts {
    sign_in: "{} needs a sign-in",
    sign_in_means: "Programs get an error until you sign in.",
    sign_in_button: "Sign in…",
    key: "{}’s key no longer works",
    key_means: "Programs get an error until there is a new one.",
    key_button: "Replace key…",
    more_access: "{} asks for more access",
    more_access_means: "A program tried something new. Look at it, then sign in for it.",
    review: "Review…",
    expires: "{} expires soon",
    expires_means: "It can’t be renewed by itself. Sign in now to go on without a break.",
    several: "{} accounts need you",
    comma: ", ",
    more: " and {} more",
    show: "Show",
    one_waits: "A program waits for your answer",
    more_wait: "{} programs wait for your answer",
    waits_means: "No answer counts as no.",
    waits_locked: "Unlock Keybearer to answer.",
    answer: "Show",
    unlock: "Unlock…",
};

static SIMPLIFIED_CHINESE: Texts = Texts {
    sign_in: "{} 需要登录",
    sign_in_means: "在你登录之前，程序会收到错误。",
    sign_in_button: "登录…",
    key: "{} 的密钥已失效",
    key_means: "在更换密钥之前，程序会收到错误。",
    key_button: "替换密钥…",
    more_access: "{} 请求更多权限",
    more_access_means: "有程序尝试了新的操作。请先查看，再为此登录。",
    review: "查看…",
    expires: "{} 即将过期",
    expires_means: "无法自动续期。现在登录即可不中断使用。",
    several: "{} 个账号待处理",
    comma: "、",
    more: "，还有 {} 个",
    show: "显示",
    one_waits: "有程序在等待你的答复",
    more_wait: "{} 个程序在等待你的答复",
    waits_means: "不答复即视为拒绝。",
    waits_locked: "解锁 Keybearer 后才能答复。",
    answer: "显示",
    unlock: "解锁…",
};
