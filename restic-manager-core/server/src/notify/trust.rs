//! Whom the server trusts when it connects: the machine's root certificates.

use rustls::{ClientConfig, RootCertStore, crypto::ring};
use std::sync::Arc;

/// Reads the machine's root certificates anew, so that one that was added counts at once.
pub(super) fn client_config() -> Result<Arc<ClientConfig>, String> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err("this machine has no root certificates; install the package ca-certificates".to_owned());
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
