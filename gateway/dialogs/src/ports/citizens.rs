//! Whose something is that is kept outside of the domain: by the host, for plugins.

use async_trait::async_trait;
use dialog_contract::{ids::PluginId, provider::CitizenIdentity};

use super::{keys::Owner, store::StoreError};

/// The citizens, by the names that plugins have for them. [`crate::KnownCitizens`] is the one.
///
/// Made before the host; may be called from any task until the process ends.
#[async_trait]
pub trait Citizens: Send + Sync + 'static {
    /// Under whose key everything of this citizen's is kept, so that it goes when the citizen is erased; none where the
    /// plugin was never given this name.
    ///
    /// # Errors
    /// Where the store cannot be read.
    async fn owner(&self, plugin: &PluginId, citizen: &CitizenIdentity) -> Result<Option<Owner>, StoreError>;
}
