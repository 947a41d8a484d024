//! The clipboard of a screen, as any program reads it (ICCCM, section 2).

use anyhow::ensure;
use keybearer_tests::until::until;
use x11rb::connection::Connection;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{AtomEnum, ConnectionExt, CreateWindowAux, WindowClass};
use x11rb::rust_connection::RustConnection;

/// What is on the clipboard in this form; nothing if nobody has put anything there, or nothing of that form.
pub(crate) fn read(display: &str, form: &str) -> anyhow::Result<Option<String>> {
    let (screen, number) = RustConnection::connect(Some(display))?;
    let root = screen.setup().roots[number].root;
    let window = screen.generate_id()?;
    let (nothing, unseen) = (CreateWindowAux::new(), WindowClass::INPUT_ONLY);
    screen.create_window(0, window, root, 0, 0, 1, 1, 0, unseen, 0, &nothing)?.check()?;
    let atom = |name: &str| Ok::<_, anyhow::Error>(screen.intern_atom(false, name.as_bytes())?.reply()?.atom);
    let (clipboard, form, answer) = (atom("CLIPBOARD")?, atom(form)?, atom("ANSWER")?);
    screen.convert_selection(window, clipboard, form, answer, x11rb::CURRENT_TIME)?.check()?;
    let answered = until("the clipboard's owner to answer", || match screen.poll_for_event()? {
        Some(Event::SelectionNotify(answered)) => Ok(Some(answered.property)),
        _ => Ok(None),
    })?;
    if answered == x11rb::NONE {
        return Ok(None);
    }
    let found = screen.get_property(true, window, answer, AtomEnum::ANY, 0, 16 * 1024)?.reply()?;
    ensure!(found.bytes_after == 0, "there is more on the clipboard than anybody copies");
    Ok(Some(String::from_utf8(found.value)?))
}
