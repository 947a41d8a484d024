//! The folders that the agent writes to, and the files in them that people edit.

use super::{Case, Finding};
use keybearer_protocol::examination::FolderView;

const CHECK: &str = "home";

pub(super) fn check(case: &Case<'_>) -> Finding {
    let Ok(examined) = &case.examined else {
        return Finding::warn(CHECK, "not looked at: only the agent can", "mend the agent first");
    };
    if let Some((folder, problem)) = examined.folders.iter().find_map(|one| Some((one, one.problem.as_ref()?))) {
        let advice = format!("see that {} is a folder of yours alone (chmod 700), on a disk with room", folder.path);
        return Finding::broken(CHECK, problem, advice);
    }
    if let Some(problem) = &examined.configuration_problem {
        return Finding::broken(CHECK, problem, "mend the file, or put it away: Keybearer leaves it as it is");
    }
    if let Some((folder, concern)) = examined.folders.iter().find_map(|one| Some((one, one.concern.as_ref()?))) {
        let advice = format!("nothing, if the group is yours alone or meant to; else chmod 700 {}", folder.path);
        return Finding::warn(CHECK, concern, advice);
    }
    let words = |folder: &FolderView| match folder.exists {
        true => folder.path.clone(),
        false => format!("{} (not there yet)", folder.path),
    };
    let folders: Vec<String> = examined.folders.iter().map(words).collect();
    Finding::ok(CHECK, format!("can be written to: {}", folders.join(", ")))
}
