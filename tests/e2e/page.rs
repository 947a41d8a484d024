//! What a web view shows, found as assistive technology finds it: by role and name, which WebKit computes from its own
//! accessibility tree. What can't be seen is not there.

use crate::webdriver::{Element, GONE, WebDriver};
use anyhow::{Context, anyhow, bail, ensure};
use keybearer_tests::until::until;
use serde_json::{Value, json};

/// Every visible element that a selector finds.
const VISIBLE: &str = "return Array.from(document.querySelectorAll(arguments[0])).filter((found) => \
    found.checkVisibility({ visibilityProperty: true }) && found.closest('[inert]') === null)";

/// The key that moves the focus, as WebDriver names it.
const TAB: char = '\u{e004}';

/// More than any page of ours has for Tab to stop at.
const MOST_STOPS: usize = 80;

/// Whether an element has the focus.
const FOCUSED: &str = "return document.activeElement === arguments[0]";

/// Whether the ring is drawn, around the element or around the box that it stands in.
const SEEN_FOCUS: &str = "for (let at = arguments[0], steps = 0; at && steps < 3; at = at.parentElement, steps++) { \
    const { outlineStyle, outlineWidth } = getComputedStyle(at); \
    if (outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2) return true; } return false";

/// The web view that the driver has in hand.
#[derive(Debug)]
pub(crate) struct Page {
    driver: WebDriver,
}

/// One of the app's windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    /// The main one.
    Main,
    /// The one that asks about a program.
    Approval,
}

impl View {
    fn is_at(self, address: &str) -> bool {
        match self {
            View::Main => address.starts_with("tauri:") && !View::Approval.is_at(address),
            View::Approval => address.ends_with("#approval"),
        }
    }
}

impl Page {
    /// A window of an app whose inspector listens on this port.
    pub(crate) fn attach(inspector: u16, view: View) -> anyhow::Result<Page> {
        let page = Page { driver: WebDriver::attach(inspector)? };
        // The driver begins with the first web view that there ever was, which may be gone.
        page.switch_to(view)?;
        Ok(page)
    }

    /// Takes another of the app's windows in hand, once it is there.
    pub(crate) fn switch_to(&self, view: View) -> anyhow::Result<()> {
        until(&format!("the window {view:?}"), || {
            for handle in self.handles()? {
                // A window may close while it is looked at.
                let switched = self.driver.post("/window", &json!({ "handle": handle }));
                let address = switched.and_then(|_| self.driver.get("/url"));
                if address.is_ok_and(|address| address.as_str().is_some_and(|address| view.is_at(address))) {
                    return Ok(Some(()));
                }
            }
            Ok(None)
        })
    }

    /// How many web views there are.
    pub(crate) fn count(&self) -> anyhow::Result<usize> {
        Ok(self.handles()?.len())
    }

    /// The element of this role and name, once it is there.
    pub(crate) fn find(&self, role: &str, name: &str) -> anyhow::Result<Element> {
        self.find_where(role, name, |found| found == name)
    }

    /// The element of this role whose name holds this text, once it is there.
    pub(crate) fn find_like(&self, role: &str, part: &str) -> anyhow::Result<Element> {
        self.find_where(role, part, |found| found.contains(part))
    }

    /// Whether an element of this role and name is there now.
    pub(crate) fn has(&self, role: &str, name: &str) -> anyhow::Result<bool> {
        Ok(self.look(role, |found| found == name)?.is_some())
    }

    /// Waits until no element of this role and name is there.
    pub(crate) fn wait_gone(&self, role: &str, name: &str) -> anyhow::Result<()> {
        until(&format!("the end of {role} {name:?}"), || Ok((!self.has(role, name)?).then_some(())))
    }

    /// The names of all elements of this role, in the page's order.
    pub(crate) fn names(&self, role: &str) -> anyhow::Result<Vec<String>> {
        let mut names = Vec::new();
        self.look(role, |found| {
            names.push(found.to_owned());
            false
        })?;
        Ok(names)
    }

    /// Clicks, once it can be clicked: what is under way keeps some buttons from being pressed.
    pub(crate) fn click(&self, role: &str, name: &str) -> anyhow::Result<()> {
        let found = until(&format!("the {role} {name:?} to be enabled"), || {
            let found = self.find(role, name)?;
            // It may be gone by now, and another in its place.
            let enabled = self.driver.get(&found.path("enabled"));
            Ok(enabled.is_ok_and(|enabled| enabled == true).then_some(found))
        })?;
        self.click_on(&found).with_context(|| format!("click on {role} {name:?}"))
    }

    /// Chooses a radio button by what is seen of it, its label; once more where the page has just moved it away.
    pub(crate) fn choose(&self, name: &str) -> anyhow::Result<()> {
        until(&format!("{name:?} to be chosen"), || {
            let radio = self.find("radio", name)?;
            let state = "const { checked } = arguments[0]; return checked ? [] : [arguments[0].closest('label')]";
            match Element::all_in(&self.driver.execute(state, &[radio.as_argument()])?).pop() {
                Some(label) => self.click_on(&label).map(|()| None),
                None => Ok(Some(())),
            }
        })
    }

    /// Clicks on an element.
    pub(crate) fn click_on(&self, element: &Element) -> anyhow::Result<()> {
        self.driver.post(&element.path("click"), &json!({})).map(drop)
    }

    /// Types into a field in place of what stands there.
    pub(crate) fn write(&self, name: &str, text: &str) -> anyhow::Result<()> {
        let field = self.find("textbox", name)?;
        self.driver.execute("arguments[0].select()", &[field.as_argument()])?;
        self.driver.post(&field.path("value"), &json!({ "text": text })).map(drop)
    }

    /// Presses keys, wherever the focus is. Special keys are WebDriver's code points.
    pub(crate) fn press(&self, keys: &[char]) -> anyhow::Result<()> {
        let down = keys.iter().map(|key| json!({ "type": "keyDown", "value": key }));
        let up = keys.iter().rev().map(|key| json!({ "type": "keyUp", "value": key }));
        let actions: Vec<Value> = down.chain(up).collect();
        self.driver.post("/actions", &json!({ "actions": [{ "type": "key", "id": "keys", "actions": actions }] }))?;
        Ok(())
    }

    /// Moves the focus with Tab, as often as it takes, to the element of this role and name. Fails where the keyboard can't
    /// come, and where nobody would see that it has.
    pub(crate) fn tab_to(&self, role: &str, name: &str) -> anyhow::Result<()> {
        let wanted = self.find(role, name)?;
        for _ in 0..MOST_STOPS {
            self.press(&[TAB])?;
            let [is_there, is_seen] = [FOCUSED, SEEN_FOCUS]
                .map(|script| self.driver.execute(script, &[wanted.as_argument()]).map(|answer| answer == true));
            if is_there? {
                ensure!(is_seen?, "nobody sees that the {role} {name:?} has the focus");
                return Ok(());
            }
        }
        bail!("Tab doesn't come to the {role} {name:?}")
    }

    /// Types, wherever the focus is.
    pub(crate) fn type_text(&self, text: &str) -> anyhow::Result<()> {
        text.chars().try_for_each(|letter| self.press(&[letter]))
    }

    /// The text that the page shows.
    pub(crate) fn text(&self) -> anyhow::Result<String> {
        let text = self.driver.execute("return document.body.innerText", &[])?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// Waits until the page shows this text.
    pub(crate) fn wait_for_text(&self, part: &str) -> anyhow::Result<()> {
        let mut last = String::new();
        until(&format!("the text {part:?}"), || {
            last = self.text()?;
            Ok(last.contains(part).then_some(()))
        })
        .map_err(|error| anyhow!("{error}; the page says: {last}"))
    }

    /// Runs a script in the page.
    pub(crate) fn execute(&self, script: &str, arguments: &[Value]) -> anyhow::Result<Value> {
        self.driver.execute(script, arguments)
    }

    /// The same for a script whose last argument brings its answer.
    pub(crate) fn execute_to_end(&self, script: &str, arguments: &[Value]) -> anyhow::Result<Value> {
        self.driver.execute_to_end(script, arguments)
    }

    /// Gives the window's content this size.
    pub(crate) fn resize(&self, width: u32, height: u32) -> anyhow::Result<()> {
        self.driver.post("/window/rect", &json!({ "width": width, "height": height }))?;
        until("the window's new size", || {
            let size = self.driver.execute("return [innerWidth, innerHeight]", &[])?;
            Ok((size == json!([width, height])).then_some(()))
        })
    }

    /// A picture of the page, as base64 of a PNG, once what it shows has stood still.
    pub(crate) fn picture(&self) -> anyhow::Result<String> {
        let mut last = String::new();
        until("a picture that stands still", || {
            let picture = self.driver.get("/screenshot")?.as_str().unwrap_or_default().to_owned();
            let stands = picture == last && !picture.is_empty();
            last = picture;
            Ok(stands.then(|| last.clone()))
        })
    }

    fn handles(&self) -> anyhow::Result<Vec<Value>> {
        Ok(self.driver.get("/window/handles")?.as_array().cloned().unwrap_or_default())
    }

    fn find_where(&self, role: &str, name: &str, fits: impl Fn(&str) -> bool) -> anyhow::Result<Element> {
        let found = until(&format!("the {role} {name:?}"), || self.look(role, &fits));
        found.map_err(|error| {
            let there = self.names(role).unwrap_or_default();
            let text = self.text().unwrap_or_default();
            anyhow!("{error}; of this role there are {there:?}; the page says: {text}")
        })
    }

    fn look(&self, role: &str, mut fits: impl FnMut(&str) -> bool) -> anyhow::Result<Option<Element>> {
        let found = match self.driver.execute(VISIBLE, &[json!(selector(role))]) {
            // The page has changed before its elements had names.
            Err(error) if is_gone(&error) => return Ok(None),
            found => found?,
        };
        for element in Element::all_in(&found) {
            let asked = ["computedrole", "computedlabel"].map(|command| self.driver.get(&element.path(command)));
            let [found_role, found_name] = asked;
            let (found_role, found_name) = match (found_role, found_name) {
                (Ok(role), Ok(name)) => (role, name),
                (Err(error), _) | (_, Err(error)) => {
                    // The page has changed between the list and the question.
                    if is_gone(&error) {
                        continue;
                    }
                    return Err(error);
                }
            };
            if found_role == role && fits(found_name.as_str().unwrap_or_default().trim()) {
                return Ok(Some(element));
            }
        }
        Ok(None)
    }
}

fn is_gone(error: &anyhow::Error) -> bool {
    GONE.iter().any(|gone| error.to_string().contains(gone))
}

/// What an element of this role can look like in HTML. WebKit says afterwards which of them it is.
fn selector(role: &str) -> String {
    let native = match role {
        "button" => "button, summary, input[type=submit]",
        "link" => "a[href]",
        "heading" => "h1, h2, h3, h4",
        "textbox" => "input, textarea",
        "searchbox" => "input[type=search]",
        "checkbox" | "switch" => "input[type=checkbox]",
        "radio" => "input[type=radio]",
        "combobox" => "select",
        "dialog" => "dialog",
        "option" => "option",
        "listitem" => "li",
        "status" => "output",
        _ => "none",
    };
    format!("{native}, [role~={role}]")
}
