//! `ui/src/bindings.ts`: commands, events and types of this crate in the language of the page. Nothing in it reaches
//! Tauri by itself; `ui/src/backend.ts` hands `invoke` and `listen` in, and stays the one file that talks to Tauri.

use crate::commands;
use specta::Types;
use specta::datatype::{DataType, NamedReferenceType, Reference};
use specta_typescript::{Error, Exporter, FrameworkExporter, Typescript};
use std::borrow::Cow;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use tauri_specta::{BuilderConfiguration, LanguageExt};

/// Where the page has it.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../ui/src/bindings.ts");

const PRELUDE: &str = "// Written by `KEYBEARER_WRITE_BINDINGS=1 cargo test -p keybearer-desktop`. Not for editing.";

const DOORS: &str = "\
/** How a command is called: Tauri's `invoke`. */
export type Invoke = <T>(command: string, args?: Record<string, unknown>) => Promise<T>;
/** How an event is heard: Tauri's `listen`. */
export type Listen = <T>(event: string, heard: (event: { payload: T }) => void) => Promise<() => void>;
";

/// The language of the page.
struct Page;

impl LanguageExt for Page {
    type Error = Error;

    fn export(self, cfg: &BuilderConfiguration, path: &Path) -> Result<(), Error> {
        let mut types = cfg.types.clone();
        let is_result = |name: &str, path: &str| name == "Result" && path.ends_with("::result");
        types.iter_mut(|found| {
            if is_result(&found.name, &found.module_path) {
                found.ty = None;
            }
        });
        let cfg = cfg.clone();
        Exporter::from(Typescript::default())
            .framework_prelude(PRELUDE)
            .framework_runtime(move |mut exporter| {
                let mut text = format!("{DOORS}\n{}\n{}\n", commands_of(&cfg, &exporter)?, events_of(&cfg, &exporter)?);
                text.push_str(&exporter.render_types()?.replace('\t', "  ").replace("/**  ", "/** "));
                Ok(Cow::Owned(text))
            })
            .export_to(path, &types, specta_serde::Format)
    }
}

fn commands_of(cfg: &BuilderConfiguration, exporter: &FrameworkExporter<'_>) -> Result<String, Error> {
    let (mut face, mut body) = (String::new(), String::new());
    for command in &cfg.commands {
        let name = camel(command.name());
        let mut parameters = Vec::new();
        for (parameter, kind) in command.args() {
            parameters.push((camel(parameter), exporter.reference(kind)?));
        }
        let typed: Vec<String> = parameters.iter().map(|(name, kind)| format!("{name}: {kind}")).collect();
        let names: Vec<&str> = parameters.iter().map(|(name, _)| name.as_str()).collect();
        let reply = match command.result() {
            Some(result) => exporter.reference(fulfilled(result, exporter.types))?,
            None => "null".to_owned(),
        };
        let _ = writeln!(face, "  /** {} */", command.docs.trim());
        let _ = writeln!(face, "  {name}({}): Promise<{reply}>;", typed.join(", "));
        let handed = if names.is_empty() { String::new() } else { format!(", {{ {} }}", names.join(", ")) };
        let _ = writeln!(body, "    {name}: ({}) => invoke(\"{}\"{handed}),", names.join(", "), command.name());
    }
    Ok(format!(
        "/** What a window can ask for. A promise that is rejected by the agent is rejected with an ErrorObject. */\n\
         export interface Commands {{\n{face}}}\n\n\
         /** The commands, called in this way. */\n\
         export function commandsOver(invoke: Invoke): Commands {{\n  return {{\n{body}  }};\n}}\n"
    ))
}

fn events_of(cfg: &BuilderConfiguration, exporter: &FrameworkExporter<'_>) -> Result<String, Error> {
    let (mut face, mut body) = (String::new(), String::new());
    for (event, (_, payload)) in &cfg.events {
        let kind = exporter.reference(&DataType::Reference(payload.clone()))?;
        let name = camel(&event.replace('-', "_"));
        let _ = writeln!(face, "  {name}(heard: (payload: {kind}) => void): Promise<() => void>;");
        let _ = writeln!(body, "    {name}: (heard) => listen<{kind}>(\"{event}\", (event) => heard(event.payload)),");
    }
    Ok(format!(
        "/** What a window is told unasked; each promise gives the way to stop listening. */\n\
         export interface Events {{\n{face}}}\n\n\
         /** The events, heard in this way. */\n\
         export function eventsOver(listen: Listen): Events {{\n  return {{\n{body}  }};\n}}\n"
    ))
}

/// What a command's promise is fulfilled with: the first half of a `Result`.
fn fulfilled<'a>(result: &'a DataType, types: &Types) -> &'a DataType {
    if let DataType::Reference(Reference::Named(named)) = result
        && types.get(named).is_some_and(|found| found.name == "Result")
        && let NamedReferenceType::Reference { generics, .. } = &named.inner
        && let [(_, fulfilled), ..] = generics.as_slice()
    {
        return fulfilled;
    }
    result
}

/// `sign_in` as `signIn`.
fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let mut joined = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        joined.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        joined.push_str(letters.as_str());
    }
    joined
}

#[test]
fn export_bindings() {
    let folder = tempfile::tempdir().expect("a folder");
    let fresh = folder.path().join("bindings.ts");
    commands::all().export(Page, &fresh).expect("every type has a form in TypeScript");
    if std::env::var_os("KEYBEARER_WRITE_BINDINGS").is_some() {
        fs::copy(&fresh, FILE).expect("the page's sources can be written");
    }
    let fresh = fs::read_to_string(&fresh).expect("it was just written");
    let kept = fs::read_to_string(FILE).unwrap_or_default().replace("\r\n", "\n");
    let what_to_do = "Run it again with KEYBEARER_WRITE_BINDINGS=1, and look at what has changed.";
    assert!(fresh == kept, "ui/src/bindings.ts is not what the commands are now. {what_to_do}");
}

#[test]
fn capabilities_allow_every_command_to_some_window_and_nothing_else_to_any() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("capabilities");
    let mut allowed = Vec::new();
    for name in ["main.json", "approval.json"] {
        let text = fs::read_to_string(folder.join(name)).expect("a capability");
        let capability: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let listed = capability["permissions"].as_array().expect("a list").iter();
        let permissions: Vec<String> = listed.map(|entry| entry.as_str().expect("a name").to_owned()).collect();
        let answers = permissions.iter().any(|permission| permission == "allow-answer-prompt");
        assert_eq!(answers, name == "approval.json", "{name}: the window that asks is the one that answers");
        allowed.extend(permissions);
    }
    assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 2, "every capability is looked at here");
    let tauris = ["core:event:allow-listen", "core:event:allow-unlisten", "core:webview:allow-set-webview-zoom"];
    let mut expected: Vec<String> = tauris.map(str::to_owned).into();
    let names = commands_known();
    expected.extend(names.iter().map(|name| format!("allow-{}", name.replace('_', "-"))));
    expected.sort();
    allowed.sort();
    allowed.dedup();
    assert_eq!(allowed, expected);
}

/// The names of all commands.
fn commands_known() -> Vec<String> {
    struct Names<'a>(&'a mut Vec<String>);
    impl LanguageExt for Names<'_> {
        type Error = std::io::Error;

        fn export(self, cfg: &BuilderConfiguration, _: &Path) -> Result<(), std::io::Error> {
            self.0.extend(cfg.commands.iter().map(|command| command.name().to_owned()));
            Ok(())
        }
    }
    let mut names = Vec::new();
    commands::all().export(Names(&mut names), "").expect("names alone");
    names
}
