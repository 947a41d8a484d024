//! Whether the agent runs, answers, and fits this command.

use super::{Case, Finding};
use crate::status::origin;

const CHECK: &str = "agent";
const OURS: &str = env!("CARGO_PKG_VERSION");

pub(super) fn check(case: &Case<'_>) -> Finding {
    let examined = match &case.examined {
        Ok(examined) => examined,
        Err(problem) => {
            let advice = "install Keybearer again; keybearer-agent lies in the same folder as keybearer";
            return Finding::broken(CHECK, format!("it can't be started: {problem}"), advice);
        }
    };
    if examined.version != OURS {
        let found = format!("the executable is version {}, and this command {OURS}", examined.version);
        return Finding::broken(CHECK, found, "install Keybearer again, so that both come from one package");
    }
    match &case.status {
        None => Finding::ok(CHECK, "doesn't run; it starts when it is needed"),
        Some(Err(problem)) => {
            let process = match examined.running {
                Some(pid) if pid != 0 => format!("process {pid}"),
                Some(_) | None => "keybearer-agent".to_owned(),
            };
            let found = format!("{process} runs, but can't be asked: {problem}");
            let otherwise = format!("end {process}, and the next command starts another");
            Finding::broken(CHECK, found, format!("mend what is said of the sockets; if they are fine, {otherwise}"))
        }
        Some(Ok(status)) if status.version != OURS => {
            let found = format!("version {} runs, and this command is {OURS}", status.version);
            Finding::warn(CHECK, found, "keybearer agent stop; the next command starts the new one")
        }
        Some(Ok(status)) if status.locked => {
            let found = "runs, and is locked: nothing is given out";
            Finding::warn(CHECK, found, "unlock it in the window; where no window has ever run: keybearer unlock")
        }
        Some(Ok(status)) => {
            Finding::ok(CHECK, format!("version {OURS} runs (process {}), {}", status.pid, origin(status.started_by)))
        }
    }
}
