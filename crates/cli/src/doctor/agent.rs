//! Whether the agent runs, answers, and fits this command.

use super::{Case, Finding, elsewhere};
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
    let process = match examined.running.as_ref().and_then(|running| running.pid) {
        Some(pid) => format!("process {pid}"),
        None => "keybearer-agent".to_owned(),
    };
    let sockets = examined.running.as_ref().and_then(|running| elsewhere(case.reach, running));
    match &case.status {
        None => match sockets {
            Some(sockets) => {
                let advice = format!("set KEYBEARER_SOCKET={sockets} here too, or end {process}");
                Finding::broken(CHECK, format!("an agent of this home runs with its sockets at {sockets}"), advice)
            }
            None => Finding::ok(CHECK, "doesn't run; it starts when it is needed"),
        },
        Some(Err(problem)) => {
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
