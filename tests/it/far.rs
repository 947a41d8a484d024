//! Servers that lie far away: a proxy leads to each of them, and the agent is told to trust their certificate.

use crate::hostile::{Hostile, parameter};
use keybearer_tests::world::World;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use wiremock::matchers::{method, path};
use wiremock::{Mock, ResponseTemplate};

/// On the internet: no name server knows it.
const FAR: &str = "https://mcp.nowhere.invalid";
/// In a network of somebody's own.
const PRIVATE: &str = "https://10.1.2.3";
/// The certificate's names: everything here that may be asked.
const NAMES: &str = "DNS:mcp.nowhere.invalid, DNS:as.nowhere.invalid, IP:10.1.2.3, IP:192.168.7.7";

/// One server with all addresses, behind a proxy.
struct Far {
    hostile: Hostile,
    proxy: String,
    /// Where the proxy was told to connect to.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Far {
    fn start(world: &World) -> Far {
        let (hostile, asked) = (Hostile::start(), Arc::new(Mutex::new(Vec::new())));
        let (tls, behind, log) = (acceptor(world, "tls"), *hostile.server.address(), asked.clone());
        let listener = hostile.runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let proxy = format!("http://{}", listener.local_addr().unwrap());
        hostile.runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (tls, log) = (tls.clone(), log.clone());
                tokio::spawn(async move { relay(stream, tls, behind, &log).await.ok() });
            }
        });
        Far { hostile, proxy, asked }
    }

    /// What the server says of itself from now on.
    fn tell(&self, own: &str, challenge: &str, resource: &Value, server: &Value) {
        self.hostile.runtime.block_on(self.hostile.server.reset());
        *self.asked.lock().unwrap() = Vec::new();
        let refused = ResponseTemplate::new(401).insert_header("WWW-Authenticate", challenge);
        self.hostile.answer(Mock::given(method("POST")).and(path("/mcp")), refused);
        let register = Mock::given(method("POST")).and(path("/register"));
        self.hostile.answer(register, ResponseTemplate::new(201).set_body_json(json!({ "client_id": "c" })));
        let mut document = json!({ "resource": own });
        document.as_object_mut().unwrap().extend(resource.as_object().unwrap().clone());
        self.hostile.json("/.well-known/oauth-protected-resource/mcp", &document);
        let issuer = &document["authorization_servers"][0].as_str().unwrap_or(own).to_owned();
        let mut metadata = json!({
            "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"), "registration_endpoint": format!("{issuer}/register"),
            "code_challenge_methods_supported": ["S256"],
        });
        metadata.as_object_mut().unwrap().extend(server.as_object().unwrap().clone());
        self.hostile.json("/.well-known/oauth-authorization-server", &metadata);
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn relay(
    stream: TcpStream,
    tls: TlsAcceptor,
    behind: std::net::SocketAddr,
    log: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let (mut stream, mut head) = (BufReader::new(stream), String::new());
    while !head.ends_with("\r\n\r\n") && stream.read_line(&mut head).await? > 0 {}
    log.lock().unwrap().push(head.split(' ').nth(1).unwrap_or_default().to_owned());
    stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await?;
    let (mut near, mut far) = (tls.accept(stream).await?, TcpStream::connect(behind).await?);
    copy_bidirectional(&mut near, &mut far).await.map(drop)
}

/// Shows a certificate of its own, which lies in this folder.
fn acceptor(world: &World, folder: &str) -> TlsAcceptor {
    let settings = format!(
        "[req]\ndistinguished_name=name\nx509_extensions=own\nprompt=no\n[name]\nCN=far\n\
         [own]\nbasicConstraints=critical,CA:FALSE\nsubjectAltName={NAMES}\n"
    );
    let settings = world.session.write(&format!("{folder}/settings"), &settings).unwrap();
    let file = |name: &str| settings.with_file_name(name);
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"])
        .arg("-config")
        .arg(&settings)
        .arg("-keyout")
        .arg(file("key.pem"))
        .arg("-out")
        .arg(file("certificate.pem"))
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let certificate = CertificateDer::from_pem_file(file("certificate.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(file("key.pem")).unwrap();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// An agent that goes through the proxy, and the server behind it.
fn far() -> (World, Far) {
    let world = World::new().unwrap();
    let far = Far::start(&world);
    start_trusting(&world, &far, &world.session.folder().join("tls/certificate.pem"));
    (world, far)
}

/// Starts the agent behind the proxy; it trusts the certificates in this file alone.
fn start_trusting(world: &World, far: &Far, certificates: &Path) {
    let mut agent = world.command(&["agent", "start"]);
    agent.env("HTTPS_PROXY", &far.proxy).env("SSL_CERT_FILE", certificates);
    assert!(agent.output().unwrap().status.success());
}

#[test]
fn a_server_leads_no_nearer_than_it_lies_itself() {
    let (world, far) = far();
    world.add("far", &format!("{FAR}/mcp")).unwrap();
    world.add("private", &format!("{PRIVATE}/mcp")).unwrap();
    let challenge = |address: &str| format!("Bearer resource_metadata=\"{address}\"");
    let (plain, none) = ("Bearer".to_owned(), json!({}));
    let resource = |issuer: &str| json!({ "authorization_servers": [issuer] });
    let mut rows = Vec::new();
    for near in [
        "https://10.0.0.1/x",
        "https://172.16.0.1/x",
        "https://192.168.7.7/x",
        "https://100.64.0.1/x",
        "https://169.254.169.254/latest/meta-data",
        "https://127.0.0.1/x",
        "https://0x7f.1/x",
        "https://2130706433/x",
        "https://0/x",
        "https://localhost/x",
        "https://as.localhost./x",
        "http://127.0.0.1:1/x",
        "http://localhost:1/x",
        "https://[::1]/x",
        "https://[fd00::7]/x",
        "https://[fe80::1]/x",
        "https://[::ffff:10.0.0.1]/x",
        "https://[64:ff9b::a00:1]/x",
    ] {
        rows.push(("far", FAR, challenge(near), none.clone(), none.clone()));
        rows.push(("far", FAR, plain.clone(), resource(near), none.clone()));
        for endpoint in ["authorization_endpoint", "registration_endpoint", "pushed_authorization_request_endpoint"] {
            rows.push(("far", FAR, plain.clone(), none.clone(), json!({ endpoint: near })));
        }
    }
    for here in ["https://127.0.0.1/x", "https://as.localhost/x", "http://localhost:1/x"] {
        rows.push(("private", PRIVATE, challenge(here), none.clone(), none.clone()));
        rows.push(("private", PRIVATE, plain.clone(), none.clone(), json!({ "authorization_endpoint": here })));
    }
    for (name, own, challenge, resource, server) in rows {
        far.tell(own, &challenge, &resource, &server);
        let error = world.begin_sign_in(name).unwrap()["error"].clone();
        let row = format!("{name}: {challenge} {resource} {server}");
        assert_eq!(error["data"]["reason"], "address_too_near", "{row}: {error}");
        assert!(error["data"]["action"].as_str().is_some_and(|action| action.contains("add it by")), "{error}");
        let own = own.trim_start_matches("https://");
        assert!(far.asked().iter().all(|asked| asked == &format!("{own}:443")), "{row}: {:?}", far.asked());
        let asked_page = server.get("authorization_endpoint").is_some();
        assert!(!asked_page || far.hostile.requests("/register").is_empty(), "{row}: registered for nothing");
    }
}

#[test]
fn a_server_leads_to_its_like_and_farther() {
    let (world, far) = far();
    for (name, own, issuer) in [
        ("far", FAR, "https://as.nowhere.invalid"),
        ("private", PRIVATE, "https://192.168.7.7"),
        ("private-far", PRIVATE, "https://as.nowhere.invalid"),
    ] {
        far.tell(own, "Bearer", &json!({ "authorization_servers": [issuer] }), &json!({}));
        world.add(name, &format!("{own}/mcp")).unwrap();
        let view = world.begin_sign_in(name).unwrap();
        assert_eq!(view["phase"], "waiting_for_browser", "{name}: {view}");
        assert_eq!(parameter(&view, "client_id").as_deref(), Some("c"));
        world.ok(&["sign-in", name, "--cancel"]).unwrap();
    }
}

#[test]
fn a_certificate_that_is_trusted_later_counts_without_another_agent() {
    let world = World::new().unwrap();
    let far = Far::start(&world);
    acceptor(&world, "other");
    let folder = |name: &str| world.session.folder().join(name);
    let trusted = folder("trusted.pem");
    fs::copy(folder("other/certificate.pem"), &trusted).unwrap();
    start_trusting(&world, &far, &trusted);
    far.tell(FAR, "Bearer", &json!({ "authorization_servers": ["https://as.nowhere.invalid"] }), &json!({}));
    world.add("far", &format!("{FAR}/mcp")).unwrap();
    for _ in 0..2 {
        let view = world.begin_sign_in("far").unwrap();
        assert_eq!(view["error"]["data"]["name"], "tls_failure", "{view}");
    }
    fs::copy(folder("tls/certificate.pem"), &trusted).unwrap();
    let view = world.begin_sign_in("far").unwrap();
    assert_eq!(view["phase"], "waiting_for_browser", "{view}");
    world.ok(&["sign-in", "far", "--cancel"]).unwrap();
}
