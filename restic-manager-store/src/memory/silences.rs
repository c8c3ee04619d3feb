use async_trait::async_trait;
use restic_manager_proto::{SilenceId, Timestamp};
use std::sync::Arc;

use super::tables::{Tables, remove};
use crate::{
    Error, ErrorKind,
    silences::{Silence, SilenceQueries, Silences},
};

#[async_trait]
impl SilenceQueries for Tables {
    async fn find(&mut self, id: SilenceId) -> Result<Option<Silence>, Error> {
        Ok(self.silences.get(&id).cloned())
    }

    async fn not_over(&mut self, now: Timestamp, limit: usize) -> Result<Vec<Silence>, Error> {
        let mut silences: Vec<_> =
            self.silences.values().filter(|silence| silence.until > now).cloned().collect();
        silences.sort_by_key(|silence| (silence.until, silence.id));
        silences.truncate(limit);
        Ok(silences)
    }
}

#[async_trait]
impl Silences for Tables {
    async fn add(&mut self, silence: &Silence) -> Result<(), Error> {
        if self.silences.contains_key(&silence.id) {
            return Err(Error::new(ErrorKind::Taken, "silence"));
        }
        Arc::make_mut(&mut self.silences).insert(silence.id, silence.clone());
        Ok(())
    }

    async fn end(&mut self, id: SilenceId, now: Timestamp) -> Result<bool, Error> {
        let silences = Arc::make_mut(&mut self.silences);
        match silences.get_mut(&id) {
            Some(silence) if silence.until > now => {
                silence.until = now;
                if silence.from > now {
                    silences.remove(&id);
                }
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    async fn purge(&mut self, before: Timestamp) -> Result<u64, Error> {
        Ok(remove(&mut self.silences, |silence| silence.until < before))
    }
}
