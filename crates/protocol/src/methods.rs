//! Every method, in one list: what a door names in its handshake, and what the schema describes.

use crate::account::{AccountApproval, AccountCopyToken, AccountRefresh, AccountSignOut, AccountTest, AccountTools};
use crate::activity::{ActivityFollow, ActivityList, ActivitySetAside, ActivityVerify};
use crate::agent::{AgentLock, AgentPause, AgentPing, AgentResume, AgentStatus, AgentStop, AgentUnlock, AgentWatch};
use crate::auth::{AuthCancel, AuthComplete, AuthStart, AuthStatus};
use crate::bridge::BridgeOpen;
use crate::clients::{ClientsApply, ClientsPreview, ClientsScan, ClientsServers, ClientsUndo};
use crate::events::{EventsSubscribe, EventsUnsubscribe};
use crate::gateway::{GatewayAddKey, GatewayStatus};
use crate::grant::{GrantList, GrantRequest, GrantRestore, GrantRevoke};
use crate::method::{Door, Method};
use crate::profile::{
    ProfileAdd, ProfileList, ProfileRemove, ProfileRename, ProfileRestore, ProfileShow, ProfileUpdate,
};
use crate::prompt::{PromptAnswer, PromptNext, PromptRegister};
use crate::restricted::{RestrictedAllow, RestrictedDisallow, RestrictedList};
use crate::session::SessionDelegate;
use crate::settings::{SettingsGet, SettingsSet};
use crate::timeline::AccountTimeline;
use crate::token::{HeaderGet, TokenGet, TokenInvalidate};
use crate::transfer::{TransferExport, TransferImport};
use crate::vault::{VaultMove, VaultPassphrase, VaultStatus};

/// A method without its types.
#[derive(Clone, Copy, Debug)]
pub struct Listed {
    /// [`Method::NAME`]
    pub name: &'static str,
    /// [`Method::DOORS`]
    pub doors: &'static [Door],
}

/// Declares the list, and whatever else is made of each method's types.
macro_rules! methods {
    ($($method:ident)+) => {
        /// Every method but those of the session itself: `session.open` and `request.cancel`.
        pub const ALL: &[Listed] = &[$(Listed { name: $method::NAME, doors: $method::DOORS }),+];

        /// Shows a visitor the types of each.
        #[cfg(feature = "schema")]
        pub(crate) fn visit(visitor: &mut impl crate::schema::Visitor) {
            $(visitor.method::<$method>();)+
        }
    };
}

methods! {
    SessionDelegate TokenGet HeaderGet TokenInvalidate BridgeOpen
    ProfileAdd ProfileUpdate ProfileRemove ProfileRestore ProfileRename ProfileList ProfileShow
    AuthStart AuthStatus AuthCancel AuthComplete
    AccountSignOut AccountTest AccountRefresh AccountTools AccountTimeline AccountCopyToken AccountApproval
    PromptRegister PromptNext PromptAnswer
    GrantRequest GrantList GrantRevoke GrantRestore
    RestrictedList RestrictedAllow RestrictedDisallow
    GatewayStatus GatewayAddKey
    ClientsScan ClientsServers ClientsPreview ClientsApply ClientsUndo
    SettingsGet SettingsSet
    ActivityList ActivityFollow ActivityVerify ActivitySetAside
    TransferExport TransferImport
    VaultStatus VaultMove VaultPassphrase
    EventsSubscribe EventsUnsubscribe
    AgentPing AgentStatus AgentWatch AgentLock AgentUnlock AgentPause AgentResume AgentStop
}

/// The names of the methods behind a door.
pub fn behind(door: Door) -> Vec<String> {
    ALL.iter().filter(|listed| listed.doors.contains(&door)).map(|listed| listed.name.to_owned()).collect()
}
