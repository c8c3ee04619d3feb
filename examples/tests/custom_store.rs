//! The example's store passes the suite that our own backends pass.

use restic_manager_store::{Store, memory::MemoryStore};

#[path = "../custom_store/mirrored.rs"]
mod mirrored;

async fn open() -> (Box<dyn Store>, ()) {
    (Box::new(mirrored::Mirrored::new(MemoryStore::new(), |_| {})), ())
}

restic_manager_store::conformance!(super::open);
