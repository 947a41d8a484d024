//! The loopback address that a browser comes back to (RFC 8252 §7.3), open only while a sign-in waits: one of ten, or the
//! one that a client was registered with by hand.

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use secrecy::SecretString;
use std::collections::HashMap;
use std::convert::Infallible;
use std::future::poll_fn;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use url::{Host, Url};

/// The ports of our own addresses.
pub const PORTS: RangeInclusive<u16> = 47821..=47830;
/// A browser that sends its request more slowly is let go.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// An address of this machine that a browser comes back to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    /// As it is registered, byte for byte.
    pub uri: String,
    /// Host and port, as a browser names them.
    authority: String,
    path: String,
    socket: SocketAddr,
}

impl Address {
    /// Reads a redirect address; `None` if it doesn't lead to a port of this machine (`RED-1`).
    pub fn parse(uri: &str) -> Option<Address> {
        let url = Url::parse(uri).ok()?;
        let host = match url.host()? {
            Host::Ipv4(Ipv4Addr::LOCALHOST) | Host::Domain("localhost") => IpAddr::from(Ipv4Addr::LOCALHOST),
            Host::Ipv6(Ipv6Addr::LOCALHOST) => IpAddr::from(Ipv6Addr::LOCALHOST),
            Host::Ipv4(_) | Host::Ipv6(_) | Host::Domain(_) => return None,
        };
        let is_plain = url.scheme() == "http" && url.query().is_none() && url.fragment().is_none();
        let is_open = url.username().is_empty() && url.password().is_none();
        let (authority, port) = (format!("{}:{}", url.host_str()?, url.port()?), url.port()?);
        (is_plain && is_open).then(|| Address {
            uri: uri.to_owned(),
            authority,
            path: url.path().to_owned(),
            socket: SocketAddr::new(host, port),
        })
    }

    /// The ten of every registration that Keybearer makes itself, where most servers accept no other than a listed one.
    pub fn ours() -> impl Iterator<Item = Address> {
        PORTS.map(|port| Address {
            uri: format!("http://127.0.0.1:{port}/callback"),
            authority: format!("127.0.0.1:{port}"),
            path: "/callback".to_owned(),
            socket: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        })
    }
}

/// A callback that arrived, and where to say what became of it.
#[derive(Debug)]
pub struct Arrival {
    /// The whole address, code and all.
    pub url: SecretString,
    /// The page for the person in front of the browser.
    pub outcome: oneshot::Sender<Page>,
}

/// What the person reads in the browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// One line.
    pub title: String,
    /// One sentence on what to do.
    pub text: String,
    /// Whether it went well.
    pub good: bool,
}

/// Opens ports and hands over what arrives there.
#[derive(Debug)]
pub struct Callbacks {
    arrivals: mpsc::Sender<Arrival>,
    open: Mutex<HashMap<Address, Weak<Port>>>,
    /// Held while a port is opened: two sign-ins of one port share it.
    opening: tokio::sync::Mutex<()>,
}

/// An open port. It closes at once when the last sign-in that waits on it lets go: nobody else holds the listener for
/// longer than one look at it takes.
#[derive(Debug)]
pub struct Port {
    /// What it answers to.
    pub address: Address,
    /// Held for its life; the task that listens only borrows it.
    _listener: Arc<TcpListener>,
    listening: AbortHandle,
}

impl Drop for Port {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Callbacks {
    /// The callbacks, and where they arrive.
    pub fn new() -> (Callbacks, mpsc::Receiver<Arrival>) {
        let (arrivals, receiver) = mpsc::channel(16);
        (Callbacks { arrivals, open: Mutex::new(HashMap::new()), opening: tokio::sync::Mutex::new(()) }, receiver)
    }

    /// Opens the first free port of ours; sign-ins share one, since `state` tells them apart.
    pub async fn open_any(&self) -> Option<Arc<Port>> {
        if let Some(port) = Address::ours().find_map(|address| self.already_open(&address)) {
            return Some(port);
        }
        for address in Address::ours() {
            if let Some(port) = self.open(address).await {
                return Some(port);
            }
        }
        None
    }

    /// Opens the port of this address: a client was registered with it alone, or a sign-in from before a restart waits
    /// on it.
    pub async fn open(&self, address: Address) -> Option<Arc<Port>> {
        let _opening = self.opening.lock().await;
        if let Some(port) = self.already_open(&address) {
            return Some(port);
        }
        let listener = Arc::new(TcpListener::bind(address.socket).await.ok()?);
        let listening = listen(Arc::downgrade(&listener), address.clone(), self.arrivals.clone());
        let listening = tokio::spawn(listening).abort_handle();
        let port = Arc::new(Port { address: address.clone(), _listener: listener, listening });
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, port| port.strong_count() > 0);
        open.insert(address, Arc::downgrade(&port));
        Some(port)
    }

    fn already_open(&self, address: &Address) -> Option<Arc<Port>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).get(address)?.upgrade()
    }
}

async fn listen(listener: Weak<TcpListener>, address: Address, arrivals: mpsc::Sender<Arrival>) {
    let accept = |context: &mut Context<'_>| match listener.upgrade() {
        Some(listener) => listener.poll_accept(context).map(Some),
        None => Poll::Ready(None),
    };
    while let Some(accepted) = poll_fn(accept).await {
        match accepted {
            Ok((stream, _)) => drop(tokio::spawn(serve(stream, address.clone(), arrivals.clone()))),
            Err(error) => {
                tracing::warn!(%error, "a browser's connection was lost");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn serve(stream: TcpStream, address: Address, arrivals: mpsc::Sender<Arrival>) {
    let service = service_fn(|request| answer(request, &address, &arrivals));
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(READ_TIMEOUT)
        .max_buf_size(32 * 1024)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    if connection.await.is_err() {
        tracing::debug!("a browser's connection broke");
    }
}

async fn answer(
    request: Request<Incoming>,
    address: &Address,
    arrivals: &mpsc::Sender<Arrival>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    // Another name for this machine means that a web page rebound its own.
    if host != Some(&address.authority) || request.uri().path() != address.path {
        return Ok(page(StatusCode::NOT_FOUND, &not_here()));
    }
    if request.method() != Method::GET {
        return Ok(page(StatusCode::METHOD_NOT_ALLOWED, &not_here()));
    }
    let url = format!("{}?{}", address.uri, request.uri().query().unwrap_or_default());
    let (outcome, told) = oneshot::channel();
    let sent = arrivals.send(Arrival { url: url.into(), outcome }).await;
    let shown = match sent {
        Ok(()) => told.await.unwrap_or_else(|_| not_here()),
        Err(_) => not_here(),
    };
    let status = if shown.good { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    Ok(page(status, &shown))
}

fn not_here() -> Page {
    Page {
        title: "Nothing is open here".to_owned(),
        text: "This address is for a sign-in that Keybearer started. Start it again in Keybearer.".to_owned(),
        good: false,
    }
}

fn page(status: StatusCode, page: &Page) -> Response<Full<Bytes>> {
    let mark = if page.good { "✓" } else { "!" };
    let body = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title} · Keybearer</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><meta name=\"color-scheme\" content=\"light dark\">\
         <style>body{{font:16px/1.5 system-ui,sans-serif;max-width:30rem;margin:20vh auto 0;padding:0 1.5rem}}\
         h1{{font-size:1.5rem;font-weight:600}}b{{font-weight:600;opacity:.6}}</style>\
         <h1><span aria-hidden=\"true\">{mark} </span>{title}</h1><p>{text}</p><b>Keybearer</b></html>",
        title = escape(&page.title),
        text = escape(&page.text),
    );
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let mut set = |name, value| response.headers_mut().insert(name, HeaderValue::from_static(value));
    set(header::CONTENT_TYPE, "text/html; charset=utf-8");
    set(header::CACHE_CONTROL, "no-store");
    // The address holds a code: it must not travel on as a referrer, and the page loads nothing.
    set(header::REFERRER_POLICY, "no-referrer");
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
    response
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
