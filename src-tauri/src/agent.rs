//! The agent, as the window reaches it: a connection per question, made on a thread that may block.
//!
//! Nothing here is kept between questions, so an agent that was restarted needs no care.

use keybearer_ipc::client::{Client, ClientError};
use keybearer_protocol::profile::AccountView;
use keybearer_protocol::{Door, ErrorCode, ErrorObject, Method};

/// How the window introduces itself; the agent shows it in quotes and decides nothing by it.
const CLIENT_NAME: &str = "keybearer-desktop";

/// Sends one request and waits for its reply.
pub async fn request<M>(params: M::Params) -> Result<M::Reply, ErrorObject>
where
    M: Method,
    M::Params: Send + 'static,
    M::Reply: Send + 'static,
{
    with_client(move |client| client.call::<M>(&params)).await
}

/// Every account, sorted by name.
pub async fn accounts() -> Result<Vec<AccountView>, ErrorObject> {
    with_client(Client::accounts).await
}

/// Connects and lets `ask` talk, off the threads that keep the window alive: the client blocks.
async fn with_client<T: Send + 'static>(
    ask: impl FnOnce(&mut Client) -> Result<T, ClientError> + Send + 'static,
) -> Result<T, ErrorObject> {
    tauri::async_runtime::spawn_blocking(move || ask(&mut Client::connect(Door::Admin, CLIENT_NAME)?))
        .await
        .map_err(|error| ErrorObject::new(ErrorCode::Internal, error.to_string()))?
        .map_err(ErrorObject::from)
}
