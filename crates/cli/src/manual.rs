//! What shells complete, and the manual: made from what can be typed, each time anew.

use crate::arguments::Arguments;
use crate::output::Failure;
use clap::CommandFactory;
use clap_complete::Shell;
use keybearer_protocol::{ErrorCode, ErrorObject};
use std::io::{self, Write};
use std::path::Path;

/// The command's name.
const NAME: &str = "keybearer";

/// `keybearer completions`
pub(crate) fn completions(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), NAME, &mut script);
    print(&script)
}

/// `keybearer man`
pub(crate) fn man(into: Option<&Path>) -> Result<(), Failure> {
    if let Some(folder) = into {
        return clap_mangen::generate_to(Arguments::command(), folder).map_err(|error| {
            let message = format!("the pages can't be written into {}: {error}", folder.display());
            Failure(ErrorObject::new(ErrorCode::StorageUnavailable, message))
        });
    }
    let mut page = Vec::new();
    let rendered = clap_mangen::Man::new(Arguments::command().disable_help_subcommand(true)).render(&mut page);
    rendered.map_err(|error| Failure(ErrorObject::new(ErrorCode::Internal, error.to_string())))?;
    print(&page)
}

fn print(text: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written = out.write_all(text).and_then(|()| out.flush());
    written.map_err(|error| Failure(ErrorObject::new(ErrorCode::Internal, format!("it can't be written: {error}"))))
}
