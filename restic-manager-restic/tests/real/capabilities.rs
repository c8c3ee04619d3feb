//! What the table says about versions is what the programs say about themselves.

use restic_manager_restic::command::FEATURES;

use super::support::Restic;

#[tokio::test]
async fn each_option_is_known_to_restic_from_the_declared_version_on() {
    for restic in Restic::all().await {
        for feature in FEATURES.iter().filter(|feature| feature.what.starts_with("--")) {
            let verb = if feature.verb.is_empty() { "copy" } else { feature.verb };
            // The words of `key` became commands of their own in 0.17.
            let helps = [restic.help(verb), restic.help(verb.split(' ').next().unwrap_or(verb))];
            let is_known =
                helps.iter().flat_map(|help| help.split_whitespace()).any(|word| word == feature.what);
            let is_declared = restic.version >= feature.since;
            assert_eq!(is_known, is_declared, "{feature:?} with restic {}", restic.version);
        }
    }
}

#[tokio::test]
async fn each_command_is_known_to_restic_from_the_declared_version_on() {
    for restic in Restic::all().await {
        for feature in FEATURES.iter().filter(|feature| feature.what.is_empty()) {
            let is_known = !restic.help(feature.verb).is_empty();
            assert_eq!(
                is_known,
                restic.version >= feature.since,
                "{feature:?} with restic {}",
                restic.version
            );
        }
    }
}
