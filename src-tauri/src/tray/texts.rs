//! The words of the tray in every language of the window. `{}` stands for a name or a number.

use keybearer_protocol::settings::Language;

/// One language.
#[derive(Debug)]
pub(super) struct Texts {
    pub(super) starting: &'static str,
    pub(super) no_agent: &'static str,
    pub(super) no_list: &'static str,
    pub(super) no_keyring: &'static str,
    pub(super) no_servers: &'static str,
    pub(super) connected: &'static str,
    pub(super) one_needs_you: &'static str,
    pub(super) more_need_you: &'static str,
    pub(super) locked: &'static str,
    pub(super) one_waits: &'static str,
    pub(super) more_wait: &'static str,
    pub(super) sign_in_again: &'static str,
    pub(super) replace_key: &'static str,
    pub(super) expires_soon: &'static str,
    pub(super) open_browser_again: &'static str,
    pub(super) cannot_reach: &'static str,
    pub(super) test: &'static str,
    pub(super) refresh: &'static str,
    pub(super) copy_command: &'static str,
    pub(super) show: &'static str,
    pub(super) sign_out: &'static str,
    pub(super) more_in_window: &'static str,
    pub(super) add: &'static str,
    pub(super) lock: &'static str,
    pub(super) unlock: &'static str,
    pub(super) open: &'static str,
    pub(super) settings: &'static str,
    pub(super) quit: &'static str,
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

/// Puts a name or a number into its place.
pub(super) fn fill(text: &str, value: impl std::fmt::Display) -> String {
    text.replace("{}", &value.to_string())
}

static ENGLISH: Texts = Texts {
    starting: "Starting…",
    no_agent: "The agent isn’t running",
    no_list: "The servers can’t be listed",
    no_keyring: "The system keyring isn’t answering",
    no_servers: "No servers yet",
    connected: "{} connected",
    one_needs_you: "{} needs you",
    more_need_you: "{} need you",
    locked: "Locked",
    one_waits: "{} program waiting",
    more_wait: "{} programs waiting",
    sign_in_again: "Sign in again to {}…",
    replace_key: "Replace the key of {}…",
    expires_soon: "{} expires soon: sign in…",
    open_browser_again: "{}: open browser again",
    cannot_reach: "Can’t reach server",
    test: "Test connection",
    refresh: "Refresh now",
    copy_command: "Copy helper command",
    show: "Show in window",
    sign_out: "Sign out…",
    more_in_window: "{} more in the window…",
    add: "Add server…",
    lock: "Lock now",
    unlock: "Unlock…",
    open: "Open Keybearer",
    settings: "Settings…",
    quit: "Quit Keybearer",
};

static SIMPLIFIED_CHINESE: Texts = Texts {
    starting: "正在启动…",
    no_agent: "后台服务没有运行",
    no_list: "无法列出服务器",
    no_keyring: "系统密钥环没有响应",
    no_servers: "还没有服务器",
    connected: "{} 个已连接",
    one_needs_you: "{} 个待处理",
    more_need_you: "{} 个待处理",
    locked: "已锁定",
    one_waits: "{} 个程序在等待",
    more_wait: "{} 个程序在等待",
    sign_in_again: "重新登录 {}…",
    replace_key: "替换 {} 的密钥…",
    expires_soon: "{} 即将过期：登录…",
    open_browser_again: "{}：重新打开浏览器",
    cannot_reach: "无法连接服务器",
    test: "测试连接",
    refresh: "立即刷新",
    copy_command: "复制助手命令",
    show: "在窗口中显示",
    sign_out: "退出登录…",
    more_in_window: "窗口中还有 {} 个…",
    add: "添加服务器…",
    lock: "立即锁定",
    unlock: "解锁…",
    open: "打开 Keybearer",
    settings: "设置…",
    quit: "退出 Keybearer",
};
