//! What a person, a server or a policy file says of where a repository is: a pattern on the first line, a location on the
//! second, Google's key behind it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use restic_manager_proto::{
    SecretText, TransportCredential,
    policy::{Act, HostPolicy},
    rules::{self, Location, Storage},
};

fuzz_target!(|text: &str| {
    let mut lines = text.splitn(3, '\n');
    let (pattern, location, key) = (lines.next(), lines.next(), lines.next());
    let mut policy = HostPolicy::default();
    policy.rclone = true;
    let location = location.unwrap_or_default();
    let anywhere = policy.decide(&Act::UseRepository { location }).is_ok();
    assert_eq!(anywhere, Location::parse(location).is_ok());
    policy.repositories = pattern.map(|pattern| vec![pattern.to_owned()]);
    if policy.check().is_ok() && policy.decide(&Act::UseRepository { location }).is_ok() {
        // A pattern narrows, and never leaves the storage that it names.
        assert!(anywhere);
        let storage = Location::parse(location).expect("it was allowed").storage();
        let pattern = pattern.unwrap_or("**");
        let folder = storage == Storage::Local;
        assert!(folder || pattern == "**" || pattern.starts_with(storage.as_str()), "{pattern:?} {location:?}");
    }
    let service_account = SecretText::new(key.unwrap_or_default());
    let google = TransportCredential::Google { project_id: "p".to_owned(), service_account };
    if rules::credential(&google, Storage::Google).is_ok() {
        let key: serde_json::Value = serde_json::from_str(key.unwrap_or_default()).expect("it was read");
        assert_eq!(key["type"], "service_account");
        assert!(key.as_object().is_some_and(|key| !key.contains_key("credential_source")));
    }
});
