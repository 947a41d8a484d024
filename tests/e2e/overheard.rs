//! What goes through a page from now on: every command with its reply, every event, and what is said on the console.

use crate::page::Page;
use anyhow::ensure;
use serde_json::Value;

/// Listens in on Tauri's own ways: `fetch` carries commands out, and `callbacks` is where replies and events come in.
const LISTEN: &str = r"
    const heard = window.overheard = [];
    const plain = (value) => {
        if (value instanceof Uint8Array || value instanceof ArrayBuffer) return new TextDecoder().decode(value);
        if (value instanceof Error) return `${value.message} ${value.stack}`;
        return typeof value === 'string' ? value : String(JSON.stringify(value));
    };
    for (const level of ['debug', 'log', 'info', 'warn', 'error']) {
        const say = console[level].bind(console);
        console[level] = (...words) => { heard.push(['console', ...words.map(plain)].join(' ')); say(...words); };
    }
    addEventListener('error', (event) => heard.push(`console ${event.message}`));
    addEventListener('unhandledrejection', (event) => heard.push(`console ${plain(event.reason)}`));
    const fetch = window.fetch.bind(window);
    window.fetch = (address, options) => {
        heard.push(`request ${address} ${plain(options?.body ?? '')}`);
        return fetch(address, options);
    };
    const { callbacks } = window.__TAURI_INTERNALS__;
    const find = callbacks.get.bind(callbacks);
    callbacks.get = (id) => {
        const called = find(id);
        return called && ((data) => { heard.push(`reply ${plain(data)}`); return called(data); });
    };";

/// Where a page can keep or show something.
const LOOK: &str = r"
    const fields = Array.from(document.querySelectorAll('input, textarea, select'), (field) => field.value);
    const stored = [localStorage, sessionStorage].map((store) => JSON.stringify({ ...store }));
    const loaded = performance.getEntries().map((entry) => entry.name);
    return [document.documentElement.outerHTML, document.title, location.href, document.cookie,
        JSON.stringify(history.state), ...fields, ...stored, ...loaded].join('\n');";

/// Begins to listen in.
pub(crate) fn listen(page: &Page) -> anyhow::Result<()> {
    page.execute(LISTEN, &[]).map(drop)
}

/// All that went through so far, each line with `request`, `reply` or `console` before it.
pub(crate) fn overheard(page: &Page) -> anyhow::Result<Vec<String>> {
    let heard = page.execute("return window.overheard", &[])?;
    let heard: Vec<String> =
        heard.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    for kind in ["request ", "reply "] {
        // A page that can't be listened to would pass every test.
        ensure!(heard.iter().any(|line| line.starts_with(kind)), "no {kind}was heard: {heard:?}");
    }
    Ok(heard)
}

/// All that the page shows and keeps now.
pub(crate) fn kept(page: &Page) -> anyhow::Result<String> {
    Ok(page.execute(LOOK, &[])?.as_str().unwrap_or_default().to_owned())
}
