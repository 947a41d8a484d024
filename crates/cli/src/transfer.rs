//! Accounts in a file, for another computer. The passphrase of a sealed one is typed or piped in, never an argument.

use crate::arguments::ExportArguments;
use crate::connection::Reach;
use crate::output::{Failure, answer, answer_json, note};
use crate::passphrase::Source;
use keybearer_protocol::Door;
use keybearer_protocol::transfer::{
    TransferExport, TransferExportReply, TransferImport, TransferImportReply, TransferParams,
};
use std::path::Path;

/// `keybearer export`
pub(crate) fn export(reach: &Reach, arguments: &ExportArguments, json: bool) -> Result<(), Failure> {
    let file = whole(&arguments.file)?;
    let passphrase = match arguments.with_sign_ins {
        true => Some(Source::of(arguments.passphrase_stdin).ask_new()?),
        false => None,
    };
    let written = reach.open(Door::Admin)?.call::<TransferExport>(&TransferParams { file, passphrase })?;
    if json {
        return answer_json(&written);
    }
    let TransferExportReply { file, accounts, signed_in } = &written;
    match arguments.with_sign_ins {
        true => {
            answer(&format!("{file} has {}, {signed_in} of them with what signs them in", count(*accounts)))?;
            note(
                "It opens with its passphrase alone. After the move, sign out here: two computers can't share a sign-in.",
            );
        }
        false => answer(&format!("{file} has {}, without tokens and secrets", count(*accounts)))?,
    }
    Ok(())
}

/// `keybearer import FILE`
pub(crate) fn import(reach: &Reach, file: &Path, passphrase_stdin: bool, json: bool) -> Result<(), Failure> {
    let mut params = TransferParams { file: whole(file)?, passphrase: None };
    let mut agent = reach.open(Door::Admin)?;
    let brought = match agent.call::<TransferImport>(&params).map_err(Failure::from) {
        Err(Failure(error)) if error.data.reason.as_deref() == Some("file_sealed") => {
            params.passphrase = Some(Source::of(passphrase_stdin).ask("Passphrase of the file: ")?);
            agent.call::<TransferImport>(&params)?
        }
        known => known?,
    };
    if json {
        return answer_json(&brought);
    }
    let TransferImportReply { added, signed_in, known, .. } = brought;
    let here = match known {
        0 => String::new(),
        known => format!("; {} here already, and left as it was", count(known)),
    };
    answer(&format!("{} added, {signed_in} of them signed in{here}", count(added)))?;
    if signed_in < added {
        note("To sign in to the others: keybearer list, then keybearer sign-in NAME");
    }
    Ok(())
}

/// The path as the agent can find it too.
fn whole(file: &Path) -> Result<String, Failure> {
    let unfit = |problem: String| Failure::usage(format!("{} can't be the file: {problem}", file.display()));
    let path = std::path::absolute(file).map_err(|error| unfit(error.to_string()))?;
    path.into_os_string().into_string().map_err(|_| unfit("its name isn't Unicode".to_owned()))
}

fn count(accounts: u32) -> String {
    if accounts == 1 { "1 account".to_owned() } else { format!("{accounts} accounts") }
}
