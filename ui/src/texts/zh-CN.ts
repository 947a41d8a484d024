import type { Texts } from "./en";

export const zhCN: Texts = {
  app: {
    tryAgain: "重试",
    technicalDetail: "技术细节",
    loading: "正在查询后台服务",
  },
  status: {
    connected: "已连接",
    expiring: "即将过期",
    signing_in: "正在登录",
    needs_sign_in: "需要登录",
    no_sign_in: "无需登录",
    unreachable: "无法连接服务器",
    locked: "已锁定",
  },
  expiry: {
    connectedFor: (left) => `已连接 · 剩 ${left}`,
    connectedUntil: (date) => `已连接 · 有效期至 ${date}`,
    expiresIn: (left) => `${left}后过期`,
    expiresOn: (date) => `${date} 过期`,
    minutes: (count) => `${count} 分钟`,
    hours: (count) => `${count} 小时`,
  },
  accounts: {
    title: "服务器",
    needYou: (count) => `${count} 个待处理`,
  },
  firstRun: {
    title: "添加第一个服务器",
    explanation: "只需在此登录一次，本机的每个 MCP 客户端都能从 Keybearer 取得有效令牌。",
    command: "在终端中运行以下命令，并填入你的 MCP 服务器地址：",
  },
  problem: {
    agent_unreachable: {
      what: "Keybearer 的后台服务没有响应。",
      meaning: "目前无法提供令牌。没有任何内容丢失。",
    },
    unknown: {
      what: "无法读取服务器列表。",
      meaning: "已取得令牌的程序仍可继续使用。",
    },
    vault_locked: {
      what: "系统密钥环已锁定。",
      meaning: "你的登录信息保存在其中，解锁之前无法提供令牌。没有任何内容丢失。",
    },
    vault_absent: {
      what: "系统密钥环没有响应。",
      meaning: "你的登录信息保存在其中，因此目前无法提供令牌。没有任何内容丢失。",
    },
    configuration: {
      what: "无法读取 servers.json。",
      meaning: "修正该文件，然后返回此窗口。",
    },
  },
};
