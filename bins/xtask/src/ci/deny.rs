//! Licences, sources and duplicate versions of what we depend on, by the rules in `.deny.toml`.
//!
//! The file is cargo-deny's, which takes minutes to build; these are the parts of it that need no advisory database.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::licence;
use crate::failure::{Failure, Outcome};
use crate::workspace::{self, Metadata, Package};

/// The platforms that we ship for; what only others would pull in is nobody's burden.
const PLATFORMS: &[&str] =
    &["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu", "x86_64-pc-windows-gnu"];

const OWN_LICENCE: &str = "PolyForm-Noncommercial-1.0.0";

pub(super) fn check() -> Outcome {
    let rules = Rules::load()?;
    let mut wrong = BTreeSet::new();
    let mut seen = BTreeSet::new();
    for platform in PLATFORMS {
        let metadata = Metadata::load(Some(platform))?;
        let resolved: BTreeSet<&str> = metadata.resolved_ids().into_iter().collect();
        let packages: Vec<_> =
            metadata.packages().into_iter().filter(|package| resolved.contains(package.id())).collect();
        seen.extend(packages.iter().map(|package| (package.name().to_owned(), package.version().to_owned())));
        wrong.extend(judge(&rules, &packages));
    }
    println!("{} crates looked at", seen.len());
    for unused in
        rules.skips.iter().filter(|skip| !seen.iter().any(|(name, version)| skip.matches(name, version)))
    {
        wrong.insert(format!("{} in .deny.toml [bans.skip] is not used any more: remove it", unused.package));
    }
    if wrong.is_empty() { Ok(()) } else { Err(Failure::new(Vec::from_iter(wrong).join("\n"))) }
}

struct Rules {
    licences: Vec<String>,
    sources: Vec<String>,
    skips: Vec<Skip>,
}

/// A duplicate that we live with: `name`, or `name@` and the leading parts of a version.
struct Skip {
    package: String,
}

impl Skip {
    fn matches(&self, name: &str, version: &str) -> bool {
        let (wanted, start) = self.package.split_once('@').unwrap_or((&self.package, ""));
        let parts_agree = start.split('.').zip(version.split('.')).all(|(start, part)| start == part);
        wanted == name && (start.is_empty() || parts_agree)
    }
}

impl Rules {
    fn load() -> Outcome<Self> {
        let path = workspace::root().join(".deny.toml");
        let text = fs::read_to_string(&path).map_err(|error| Failure::at(&path, &error))?;
        Self::parse(&text).map_err(|failure| Failure::new(format!(".deny.toml: {failure}")))
    }

    fn parse(text: &str) -> Outcome<Self> {
        let table: toml::Table =
            text.parse().map_err(|error: toml::de::Error| Failure::new(error.to_string()))?;
        let strings = |section: &str, key: &str| -> Vec<String> {
            let list =
                table.get(section).and_then(|section| section.get(key)).and_then(toml::Value::as_array);
            list.into_iter().flatten().filter_map(|value| value.as_str().map(str::to_owned)).collect()
        };
        let skips = table.get("bans").and_then(|bans| bans.get("skip")).and_then(toml::Value::as_array);
        let skips: Outcome<Vec<Skip>> = skips.into_iter().flatten().map(parse_skip).collect();
        Ok(Self {
            licences: strings("licenses", "allow"),
            sources: strings("sources", "allow-registry"),
            skips: skips?,
        })
    }
}

fn parse_skip(value: &toml::Value) -> Outcome<Skip> {
    let package = value.get("crate").and_then(toml::Value::as_str);
    let reason = value.get("reason").and_then(toml::Value::as_str).filter(|reason| !reason.is_empty());
    match (package, reason) {
        (Some(package), Some(_)) => Ok(Skip { package: package.to_owned() }),
        _ => Err(Failure::new(format!("each skip needs `crate` and `reason`, this one has not: {value}"))),
    }
}

fn judge(rules: &Rules, packages: &[Package<'_>]) -> Vec<String> {
    let foreign: Vec<_> = packages.iter().filter(|package| package.source().is_some()).collect();
    let accepted: Vec<&str> = rules.licences.iter().map(String::as_str).collect();
    let mut wrong = Vec::new();
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in foreign {
        let licence = package.licence().unwrap_or("none stated");
        if licence == OWN_LICENCE || !licence::is_met(licence, &accepted) {
            wrong.push(format!(
                "{} {}: licence {licence} is not accepted",
                package.name(),
                package.version()
            ));
        }
        if !package
            .source()
            .is_some_and(|source| rules.sources.iter().any(|allowed| source.ends_with(allowed)))
        {
            wrong.push(format!(
                "{} {} comes from elsewhere than the registry",
                package.name(),
                package.version()
            ));
        }
        versions.entry(package.name()).or_default().insert(package.version());
    }
    wrong.extend(duplicates(rules, &versions));
    wrong
}

/// Names with more than one version left after the skips.
fn duplicates(rules: &Rules, versions: &BTreeMap<&str, BTreeSet<&str>>) -> Vec<String> {
    let is_skipped = |name: &str, version: &str| rules.skips.iter().any(|skip| skip.matches(name, version));
    let mut wrong = Vec::new();
    for (name, versions) in versions {
        let left: Vec<&str> = versions.iter().copied().filter(|version| !is_skipped(name, version)).collect();
        if left.len() > 1 {
            wrong.push(format!(
                "{name} is built in versions {}: align them or add a skip with its reason",
                left.join(", ")
            ));
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skip_without_a_reason_is_refused() {
        assert!(Rules::parse("[bans]\nskip = [{ crate = \"syn@2\" }]").is_err());
        let rules = Rules::parse("[bans]\nskip = [{ crate = \"syn@2\", reason = \"old macros\" }]").unwrap();
        assert!(rules.skips[0].matches("syn", "2.0.1") && !rules.skips[0].matches("syn", "3.0.0"));
    }

    #[test]
    fn two_versions_are_one_too_many_unless_skipped() {
        let versions = BTreeMap::from([
            ("syn", BTreeSet::from(["2.0.1", "3.0.0"])),
            ("itoa", BTreeSet::from(["1.0.0"])),
        ]);
        let strict = Rules::parse("").unwrap();
        assert_eq!(duplicates(&strict, &versions).len(), 1);
        let lenient =
            Rules::parse("[bans]\nskip = [{ crate = \"syn@2\", reason = \"old macros\" }]").unwrap();
        assert!(duplicates(&lenient, &versions).is_empty());
    }
}
