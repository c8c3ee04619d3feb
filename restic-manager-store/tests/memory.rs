use restic_manager_store::{Store, memory::MemoryStore};

pub(crate) async fn open() -> (Box<dyn Store>, ()) {
    (Box::new(MemoryStore::new()), ())
}

mod conformance {
    restic_manager_store::conformance!(crate::memory::open);
}
