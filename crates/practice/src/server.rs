//! The routes of a practice server, and serving them on one listener.

use std::{io, sync::Arc, time::Instant};

use axum::{
    Router,
    extract::Request,
    http::{HeaderMap, StatusCode, header, uri::Authority},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{any, get, post},
    serve::ListenerExt as _,
};
use tokio::net::TcpListener;

use crate::{
    addresses::Addresses, authorize, control, device, issuer, options::Options, pages, practice::Practice,
    practice::Shared, pushed_authorization, registration, resource, revocation, token, tools,
};

/// Serves until the future is dropped.
///
/// # Errors
/// If the listener has no address, or there is no TLS for fetching metadata documents.
pub async fn serve(listener: TcpListener, options: Options) -> io::Result<()> {
    let addresses = Addresses::on(listener.local_addr()?.port());
    let practice = Practice::new(addresses, options).map_err(io::Error::other)?;
    // An answer goes out in several pieces, and none waits until the one before it was received. Where that can't be had,
    // it is slower.
    let listener = listener.tap_io(|connection| drop(connection.set_nodelay(true)));
    axum::serve(listener, router(Arc::new(practice))).await
}

fn router(practice: Shared) -> Router {
    let mcp = Router::new()
        .route_service("/mcp", tools::service())
        .route("/gate", get(resource::beyond))
        // `layer` would put the gate before unknown paths as well, and turn every 404 into a challenge.
        .route_layer(middleware::from_fn_with_state(Arc::clone(&practice), resource::gate));
    Router::new()
        .route("/.well-known/oauth-protected-resource/mcp", get(issuer::protected_resource_metadata))
        .route("/.well-known/oauth-authorization-server", get(issuer::authorization_server_metadata))
        .route("/register", post(registration::register))
        .route("/authorize", get(authorize::authorize))
        .route("/par", post(pushed_authorization::push))
        .route("/authorize/decision", post(authorize::decide))
        .route("/device_authorization", post(device::authorize))
        .route("/device", get(device::page))
        .route("/device/decision", post(device::decide))
        .route("/token", post(token::token))
        .route("/revoke", post(revocation::revoke))
        .route("/control", get(control::read).post(control::change))
        .route("/control/grants", get(control::grants))
        .route("/plain", any(pages::plain))
        .merge(mcp)
        .route_service("/open/mcp", tools::service())
        .layer(middleware::from_fn(only_loopback_hosts))
        .layer(middleware::from_fn(log))
        .with_state(practice)
}

/// A page whose name was made to lead here sends that name as the host (DNS rebinding), so only loopback names pass.
async fn only_loopback_hosts(request: Request, next: Next) -> Response {
    if names_loopback(request.headers()) {
        next.run(request).await
    } else {
        (StatusCode::FORBIDDEN, "only loopback hosts").into_response()
    }
}

fn names_loopback(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    let authority = host.and_then(|host| host.parse::<Authority>().ok());
    authority.is_some_and(|authority| matches!(authority.host(), "127.0.0.1" | "localhost" | "[::1]"))
}

/// One line for each request, without its query: that may hold a code.
async fn log(request: Request, next: Next) -> Response {
    let (method, path, started) = (request.method().clone(), request.uri().path().to_owned(), Instant::now());
    let response = next.run(request).await;
    let milliseconds = started.elapsed().as_millis();
    tracing::info!(%method, path, status = response.status().as_u16(), milliseconds, "answered");
    response
}
