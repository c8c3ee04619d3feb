use core::fmt;
use std::path::Path;

use crate::{
    KeyFileError, KeyFileProblem, OpenError, Random, SecretBytes,
    derive::Key,
    key_file,
    keyring::{Context, KeyId, Sealed, file},
};

/// The keys that seal secrets at rest. The newest writes, all of them read.
///
/// ```
/// use restic_manager_crypto::{Context, Keyring, SystemRandom};
/// let random = SystemRandom::new();
/// let keyring = Keyring::generate(&random);
/// let context = Context::repository_password(&[7; 16]);
/// let sealed = keyring.seal(&context, b"open sesame", &random);
/// assert_eq!(keyring.open(&context, &sealed)?.expose(), b"open sesame");
///
/// let elsewhere = Context::repository_password(&[8; 16]);
/// assert!(keyring.open(&elsewhere, &sealed).is_err());
/// # Ok::<(), restic_manager_crypto::OpenError>(())
/// ```
#[derive(Clone)]
pub struct Keyring {
    older: Vec<(KeyId, Key)>,
    newest: (KeyId, Key),
}

impl Keyring {
    /// A ring with one new key, in memory only.
    #[must_use]
    pub fn generate(random: &dyn Random) -> Self {
        let mut key = Key::default();
        random.fill(key.as_mut_slice());
        Self { older: Vec::new(), newest: (KeyId::of(&key), key) }
    }

    /// A ring of keys that come from elsewhere, oldest first, 32 bytes each.
    ///
    /// # Errors
    /// When there is none, or one has another length.
    pub fn from_keys(keys: impl IntoIterator<Item = SecretBytes>) -> Result<Self, OpenError> {
        let mut keys = keys
            .into_iter()
            .map(|bytes| {
                let key = Key::new(bytes.expose().try_into().map_err(|_| OpenError)?);
                Ok((KeyId::of(&key), key))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let newest = keys.pop().ok_or(OpenError)?;
        Ok(Self { older: keys, newest })
    }

    /// Reads the key file.
    ///
    /// # Errors
    /// When it is missing, damaged, or others may read it.
    pub fn open_file(path: &Path) -> Result<Self, KeyFileError> {
        let text = key_file::read(path)?;
        let mut keys = file::parse(&text)
            .map_err(|detail| KeyFileError::new(path, KeyFileProblem::Damaged { detail }))?;
        let newest = keys
            .pop()
            .ok_or_else(|| KeyFileError::new(path, KeyFileProblem::Damaged { detail: "it holds no key" }))?;
        Ok(Self { older: keys, newest })
    }

    /// Reads the key file; makes one with a new key when there is none.
    ///
    /// Meant for a first start: with a database that already holds sealed data, use
    /// [`Keyring::open_file`], so that a lost key file is an error and not a new key.
    ///
    /// # Errors
    /// When the file is damaged, others may read it, or it cannot be written.
    pub fn open_or_create(path: &Path, random: &dyn Random) -> Result<Self, KeyFileError> {
        match Self::open_file(path) {
            Err(error) if *error.problem() == KeyFileProblem::Missing => {}
            opened => return opened,
        }
        let fresh = Self::generate(random);
        match key_file::create(path, &file::format(fresh.keys()), random) {
            // Another process was faster: its key counts.
            Err(error) if *error.problem() == KeyFileProblem::AlreadyExists => Self::open_file(path),
            created => created.map(|()| fresh),
        }
    }

    /// Adds a new key to the file and writes with it from now on; the older ones still read. What was
    /// sealed before is moved over with [`Keyring::reseal`].
    ///
    /// # Errors
    /// When the file cannot be read or replaced, or another process is replacing it.
    pub fn rotate_file(path: &Path, random: &dyn Random) -> Result<Self, KeyFileError> {
        let Self { mut older, newest } = Self::open_file(path)?;
        older.push(newest);
        let rotated = Self { older, newest: Self::generate(random).newest };
        key_file::replace(path, &file::format(rotated.keys()))?;
        Ok(rotated)
    }

    /// Takes every key but the newest out of the file, and says which those were. What was sealed with them can be opened by
    /// nobody afterwards: call it when nothing is left, and not before.
    ///
    /// # Errors
    /// When the file cannot be read or replaced, or another process is replacing it.
    pub fn retire_file(path: &Path) -> Result<Vec<KeyId>, KeyFileError> {
        let Self { older, newest } = Self::open_file(path)?;
        if !older.is_empty() {
            let alone = Self { older: Vec::new(), newest };
            key_file::replace(path, &file::format(alone.keys()))?;
        }
        Ok(older.iter().map(|(id, _)| *id).collect())
    }

    /// Seals a secret for one place.
    #[must_use]
    pub fn seal(&self, context: &Context, plaintext: &[u8], random: &dyn Random) -> Sealed {
        let (id, key) = &self.newest;
        Sealed::seal(*id, key, context, plaintext, random)
    }

    /// Opens what was sealed for this place by any key of the ring.
    ///
    /// # Errors
    /// When it is damaged, was sealed for another place, or by a key that is not in the ring.
    pub fn open(&self, context: &Context, sealed: &Sealed) -> Result<SecretBytes, OpenError> {
        let id = sealed.key_id().ok_or(OpenError)?;
        let (_, key) = self.keys().find(|(candidate, _)| *candidate == id).ok_or(OpenError)?;
        sealed.open(key, context)
    }

    /// The same secret under the newest key; `None` when it is under that key already.
    ///
    /// # Errors
    /// As [`Keyring::open`].
    pub fn reseal(
        &self,
        context: &Context,
        sealed: &Sealed,
        random: &dyn Random,
    ) -> Result<Option<Sealed>, OpenError> {
        let secret = self.open(context, sealed)?;
        let current = sealed.key_id() == Some(self.newest_id());
        Ok((!current).then(|| self.seal(context, secret.expose(), random)))
    }

    /// The key that writes. A database keeps this value and compares it at start with
    /// [`Keyring::contains`].
    #[must_use]
    pub const fn newest_id(&self) -> KeyId {
        self.newest.0
    }

    /// Whether the ring holds a key.
    #[must_use]
    pub fn contains(&self, id: KeyId) -> bool {
        self.keys().any(|(candidate, _)| *candidate == id)
    }

    /// All keys, oldest first.
    pub fn key_ids(&self) -> impl Iterator<Item = KeyId> {
        self.keys().map(|(id, _)| *id)
    }

    pub(super) const fn newest_key(&self) -> &Key {
        &self.newest.1
    }

    pub(super) fn all_keys(&self) -> impl Iterator<Item = &Key> {
        self.keys().map(|(_, key)| key)
    }

    fn keys(&self) -> impl Iterator<Item = &(KeyId, Key)> {
        self.older.iter().chain([&self.newest])
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyring")?;
        f.debug_list().entries(self.key_ids()).finish()
    }
}
