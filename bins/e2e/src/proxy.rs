//! A TCP proxy whose far end, delay and very existence tests control; it keeps what passed.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::failure::Outcome;

/// What is kept of the bytes that passed; a test that lets more pass looks at the first part only.
const CAPTURE_LIMIT: usize = 64 * 1024 * 1024;

/// A listening address of its own in front of a server that may come, go and move.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    road: Arc<Road>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct Road {
    /// Where it leads; nowhere while cut.
    target: watch::Sender<Option<SocketAddr>>,
    delay: watch::Sender<Duration>,
    captured: Mutex<Vec<u8>>,
}

impl Proxy {
    /// Listens on a free port; connections are refused until there is a target.
    pub async fn start() -> Outcome<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let road = Arc::new(Road {
            target: watch::Sender::new(None),
            delay: watch::Sender::new(Duration::ZERO),
            captured: Mutex::default(),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&road)));
        Ok(Self { address, road, accepting })
    }

    /// Where to connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Leads to a server from now on; connections to another one break.
    pub fn lead_to(&self, target: SocketAddr) {
        self.road.target.send_replace(Some(target));
    }

    /// Breaks all connections and refuses new ones.
    pub fn cut(&self) {
        self.road.target.send_replace(None);
    }

    /// Holds back each piece of data, both ways.
    pub fn delay(&self, delay: Duration) {
        self.road.delay.send_replace(delay);
    }

    /// Whether these bytes passed, in either direction.
    pub fn has_passed(&self, needle: &[u8]) -> bool {
        let captured = self.road.captured.lock().unwrap_or_else(PoisonError::into_inner);
        captured.windows(needle.len()).any(|window| window == needle)
    }

    /// How many bytes passed and were kept.
    pub fn passed(&self) -> usize {
        self.road.captured.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

async fn accept(listener: TcpListener, road: Arc<Road>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(join(stream, Arc::clone(&road)));
    }
}

/// Joins two connections until either end closes or the road changes.
async fn join(near: TcpStream, road: Arc<Road>) {
    let mut target = road.target.subscribe();
    let Some(address) = *target.borrow_and_update() else { return };
    let Ok(far) = TcpStream::connect(address).await else { return };
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let (near_in, near_out) = near.into_split();
    let (far_in, far_out) = far.into_split();
    let both = async { tokio::join!(carry(near_in, far_out, &road), carry(far_in, near_out, &road)) };
    tokio::select! {
        _ = both => {}
        _ = target.changed() => {}
    }
}

async fn carry(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, road: &Road) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let piece = &buffer[..length];
        road.keep(piece);
        let delay = *road.delay.borrow();
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        if to.write_all(piece).await.is_err() {
            return;
        }
    }
    let _ = to.shutdown().await;
}

impl Road {
    fn keep(&self, piece: &[u8]) {
        let mut captured = self.captured.lock().unwrap_or_else(PoisonError::into_inner);
        if captured.len() + piece.len() <= CAPTURE_LIMIT {
            captured.extend_from_slice(piece);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    tokio::io::copy(&mut from, &mut to).await
                });
            }
        });
        address
    }

    #[tokio::test]
    async fn bytes_pass_are_kept_and_stop_when_cut() {
        let proxy = Proxy::start().await.unwrap();
        proxy.lead_to(echo().await);
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        stream.write_all(b"hello").await.unwrap();
        let mut back = [0; 5];
        stream.read_exact(&mut back).await.unwrap();
        assert_eq!(&back, b"hello");
        assert!(proxy.has_passed(b"ell") && !proxy.has_passed(b"elo"));
        proxy.cut();
        assert!(matches!(stream.read(&mut back).await, Ok(0) | Err(_)));
        let mut refused = TcpStream::connect(proxy.address()).await.unwrap();
        assert!(matches!(refused.read(&mut back).await, Ok(0) | Err(_)));
    }
}
