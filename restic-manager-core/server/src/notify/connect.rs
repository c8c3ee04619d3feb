//! One connection to an address that was judged.

use core::{net::IpAddr, time::Duration};
use ipnet::IpNet;
use restic_manager_core::notify::{is_allowed, is_public};
use std::net::SocketAddr;
use tokio::{net::TcpStream, time::timeout};

use super::resolve::Resolve;

/// For a name to be resolved.
const RESOLVE_TIME: Duration = Duration::from_secs(5);
/// For a connection to be opened.
const CONNECT_TIME: Duration = Duration::from_secs(10);
/// Addresses of one name that are looked at; more are refused.
const MOST_ADDRESSES: usize = 16;
/// Addresses of one name that are tried.
const MOST_TRIED: usize = 3;

/// Whether what is said on a connection can be read on the way.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Secrecy {
    /// It is encrypted.
    Encrypted,
    /// It is not: fit for networks that the operator named, and no others.
    Plain,
}

/// The addresses of a host, every one of them judged. The name is resolved here, once, and nowhere after.
pub(super) async fn judged(
    resolver: &dyn Resolve,
    allowed: &[IpNet],
    host: &str,
    secrecy: Secrecy,
) -> Result<Vec<IpAddr>, String> {
    let addresses = match host.parse::<IpAddr>() {
        Ok(address) => vec![address],
        Err(_) => timeout(RESOLVE_TIME, resolver.resolve(host))
            .await
            .map_err(|_| {
                format!("the name {host} was not resolved within {} seconds", RESOLVE_TIME.as_secs())
            })?
            .map_err(|error| format!("the name {host} could not be resolved: {error}"))?,
    };
    if addresses.is_empty() || addresses.len() > MOST_ADDRESSES {
        return Err(format!(
            "the name {host} has {} addresses; 1 to {MOST_ADDRESSES} are taken",
            addresses.len()
        ));
    }
    for address in &addresses {
        judge(*address, allowed, secrecy)?;
    }
    Ok(addresses)
}

fn judge(address: IpAddr, allowed: &[IpNet], secrecy: Secrecy) -> Result<(), String> {
    let named = !is_public(address) && is_allowed(address, allowed)
        || allowed.iter().any(|network| network.contains(&address.to_canonical()));
    if !is_allowed(address, allowed) {
        return Err(format!(
            "it leads to {address}, which is not a public address; if it is meant to, add its network to RM_OUTGOING_ALLOW"
        ));
    }
    if secrecy == Secrecy::Plain && !named {
        return Err(format!(
            "it would be sent to {address} without encryption; use TLS, or add its network to RM_OUTGOING_ALLOW if you trust it"
        ));
    }
    Ok(())
}

/// A connection to one of the addresses.
pub(super) async fn connect(addresses: &[IpAddr], port: u16) -> Result<TcpStream, String> {
    let mut problem = String::new();
    let one_after_the_other = async {
        for address in addresses.iter().take(MOST_TRIED) {
            match TcpStream::connect(SocketAddr::new(*address, port)).await {
                Ok(stream) => return Some(stream),
                Err(error) => problem = format!("{address} port {port} could not be reached: {error}"),
            }
        }
        None
    };
    match timeout(CONNECT_TIME, one_after_the_other).await {
        Ok(Some(stream)) => Ok(stream),
        Ok(None) => Err(problem),
        Err(_) => Err(format!("port {port} did not answer within {} seconds", CONNECT_TIME.as_secs())),
    }
}
