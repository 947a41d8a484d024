// The catalogue: every text of the window, by place. Other languages have the same shape, so one that lacks a text
// doesn't compile. Texts with a gap are functions.

import type { AccountStatus } from "../backend";

export const en = {
  app: {
    tryAgain: "Try again",
    technicalDetail: "Technical detail",
    loading: "Asking the agent",
  },
  status: {
    connected: "Connected",
    expiring: "Expiring",
    signing_in: "Signing in",
    needs_sign_in: "Needs sign-in",
    no_sign_in: "No sign-in needed",
    unreachable: "Can’t reach server",
    locked: "Locked",
  } satisfies Record<AccountStatus, string>,
  expiry: {
    connectedFor: (left: string) => `Connected · ${left} left`,
    connectedUntil: (date: string) => `Connected · until ${date}`,
    expiresIn: (left: string) => `Expires in ${left}`,
    expiresOn: (date: string) => `Expires on ${date}`,
    minutes: (count: number) => `${count} min`,
    hours: (count: number) => `${count} h`,
  },
  accounts: {
    title: "Servers",
    needYou: (count: number) => (count === 1 ? "1 needs you" : `${count} need you`),
  },
  firstRun: {
    title: "Add your first server",
    explanation: "Sign in once here. Every MCP client on this computer gets fresh tokens from Keybearer.",
    command: "Run this in a terminal, with the address of your MCP server:",
  },
  problem: {
    agent_unreachable: {
      what: "Keybearer’s agent isn’t answering.",
      meaning: "No tokens can be given out right now. Nothing is lost.",
    },
    unknown: {
      what: "The list of servers can’t be read.",
      meaning: "Programs that hold a token can go on using it.",
    },
    vault_locked: {
      what: "The system keyring is locked.",
      meaning: "Your sign-ins are stored there, so no tokens can be given out until it is unlocked. Nothing is lost.",
    },
    vault_absent: {
      what: "The system keyring isn’t answering.",
      meaning: "Your sign-ins are stored there, so no tokens can be given out right now. Nothing is lost.",
    },
    configuration: {
      what: "servers.json can’t be read as it is.",
      meaning: "Correct the file, then return to this window.",
    },
  },
};

export type Texts = typeof en;
