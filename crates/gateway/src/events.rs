//! The messages of an event stream (`text/event-stream`, as the HTML standard defines it).

use std::time::Duration;

/// The longest name of an event that is kept, in bytes.
const NAME: usize = 64;
/// The longest id that is kept, in bytes: it goes into a header.
const ID: usize = 4096;

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// Its name; empty where it has none, which means `message`.
    pub(crate) name: String,
    /// Its data.
    pub(crate) data: Vec<u8>,
}

impl Event {
    /// Whether it carries a message of MCP.
    pub(crate) fn is_message(&self) -> bool {
        self.name.is_empty() || self.name == "message"
    }
}

/// Takes bytes as they come and gives the events.
#[derive(Debug, Default)]
pub(crate) struct Events {
    line: Vec<u8>,
    name: String,
    data: Vec<u8>,
    after_return: bool,
    /// The id that counts once its event is whole.
    id: Option<String>,
    last_id: Option<String>,
    retry: Option<Duration>,
}

impl Events {
    /// The events that end within these bytes. Those without data are left out.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) -> Vec<Event> {
        let mut complete = Vec::new();
        while let Some(first) = bytes.first() {
            if std::mem::take(&mut self.after_return) && *first == b'\n' {
                bytes = bytes.get(1..).unwrap_or_default();
                continue;
            }
            let Some(end) = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
                self.line.extend_from_slice(bytes);
                break;
            };
            let (line, rest) = bytes.split_at(end);
            self.line.extend_from_slice(line);
            complete.extend(self.end_line());
            self.after_return = rest.first() == Some(&b'\r');
            bytes = rest.get(1..).unwrap_or_default();
        }
        complete
    }

    /// How much waits for the end of its event, in bytes.
    pub(crate) fn held(&self) -> usize {
        self.line.len() + self.data.len()
    }

    /// The id with which the stream can be taken up again, if it can be.
    pub(crate) fn last_id(&self) -> Option<&str> {
        self.last_id.as_deref()
    }

    /// How long the server wants us to wait before that.
    pub(crate) fn retry(&self) -> Option<Duration> {
        self.retry
    }

    fn end_line(&mut self) -> Option<Event> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            self.last_id.clone_from(&self.id);
            let (name, mut data) = (std::mem::take(&mut self.name), std::mem::take(&mut self.data));
            data.pop();
            return (!data.is_empty()).then_some(Event { name, data });
        }
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let (field, value) = line.split_at(colon);
        let value = value.strip_prefix(b":").unwrap_or(value);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"data" => {
                self.data.extend_from_slice(value);
                self.data.push(b'\n');
            }
            b"event" => self.name = short(value, NAME).unwrap_or_default(),
            b"id" if !value.contains(&0) => self.id = short(value, ID).filter(|id| !id.is_empty()),
            b"retry" => {
                let milliseconds = short(value, NAME).and_then(|text| text.parse().ok());
                self.retry = milliseconds.map(Duration::from_millis).or(self.retry);
            }
            _ => {}
        }
        None
    }
}

fn short(value: &[u8], limit: usize) -> Option<String> {
    std::str::from_utf8(value).ok().filter(|text| text.len() <= limit).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_found_wherever_the_bytes_are_cut() {
        let stream = b"id: 1\ndata:\n\n: comment\r\nevent: endpoint\r\ndata: {\"a\":\r\ndata: 1}\r\nid: 2\r\n\r\nretry: 30\rnonsense\rdata:x\r\rretry: soon\nid: 3\ndata: unfinished\n";
        let event = |name: &str, data: &str| Event { name: name.to_owned(), data: data.as_bytes().to_vec() };
        for cut in 0..stream.len() {
            let mut events = Events::default();
            let mut found = events.push(&stream[..cut]);
            found.extend(events.push(&stream[cut..]));
            assert_eq!(found, [event("endpoint", "{\"a\":\n1}"), event("", "x")], "cut at {cut}");
            let state = (events.last_id(), events.retry(), events.held());
            assert_eq!(state, (Some("2"), Some(Duration::from_millis(30)), "unfinished\n".len()), "cut at {cut}");
        }
    }
}
