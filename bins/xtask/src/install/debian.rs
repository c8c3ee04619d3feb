//! Debian's archive, from any release: packages are downloaded and unpacked beside the system, never installed from
//! another release into it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::cache::Cache;
use crate::failure::{Failure, Outcome};
use crate::shell;

/// The releases that are looked through for the versions we test against. Backports too: they keep what the next
/// release had while unstable goes on.
const RELEASES: &[&str] = &["bookworm", "bookworm-backports", "trixie", "trixie-backports", "sid"];

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Package lists of several releases, apart from those of the system.
pub(super) struct Archive {
    folder: PathBuf,
}

impl Archive {
    /// Fetches the lists; needs apt and a Debian mirror in its sources, but no rights.
    pub(super) fn open(cache: &Cache) -> Outcome<Self> {
        let mirror = mirror()?;
        let archive = Self { folder: cache.folder("apt")? };
        for folder in ["lists/partial", "state", "archives/partial"] {
            fs::create_dir_all(archive.folder.join(folder))?;
        }
        fs::write(archive.folder.join("sources.list"), sources(&mirror))?;
        fs::write(archive.folder.join("apt.conf"), archive.configuration())?;
        println!("reading Debian's package lists …");
        shell::output(archive.apt("apt-get").arg("update"))?;
        Ok(archive)
    }

    /// The versions of a package, without Debian's own part, in the order of the releases.
    pub(super) fn versions(&self, package: &str) -> Outcome<Vec<String>> {
        Ok(self.packages(package)?.into_iter().map(|(upstream, _)| upstream).collect())
    }

    /// Downloads a package in a version, whatever release has it, and returns the folder it is unpacked into.
    pub(super) fn unpack(&self, package: &str, version: &str) -> Outcome<PathBuf> {
        let packages = self.packages(package)?;
        let there = || packages.iter().map(|(upstream, _)| upstream.as_str()).collect::<Vec<_>>().join(", ");
        let (_, whole) = packages.iter().find(|(upstream, _)| upstream == version).ok_or_else(|| {
            Failure::new(format!("no release has {package} {version}, there are {}", there()))
        })?;
        let work = self.folder.join("unpacked").join(format!("{package}-{version}"));
        if work.exists() {
            fs::remove_dir_all(&work)?;
        }
        fs::create_dir_all(&work)?;
        println!("fetching {package} {version} …");
        shell::output(
            self.apt("apt-get").args(["download", &format!("{package}={whole}")]).current_dir(&work),
        )?;
        let file = fs::read_dir(&work)?
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
            .ok_or_else(|| Failure::new(format!("apt-get downloaded nothing for {package} {version}")))?;
        let into = work.join("root");
        shell::output(Command::new("dpkg").arg("-x").args([&file, &into]))?;
        fs::remove_file(&file)?;
        Ok(into)
    }

    /// What the releases have of a package, as (version, version with Debian's own part), oldest release first.
    fn packages(&self, package: &str) -> Outcome<Vec<(String, String)>> {
        Ok(packages_in(&shell::output(self.apt("apt-cache").args(["madison", package]))?))
    }

    fn apt(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.arg("-q").env("APT_CONFIG", self.folder.join("apt.conf")).env("LC_ALL", "C");
        command
    }

    fn configuration(&self) -> String {
        let folder = self.folder.display();
        format!(
            "Dir::State \"{folder}/state\";\n\
             Dir::State::lists \"{folder}/lists\";\n\
             Dir::State::status \"/var/lib/dpkg/status\";\n\
             Dir::Cache \"{folder}\";\n\
             Dir::Etc::sourcelist \"{folder}/sources.list\";\n\
             Dir::Etc::sourceparts \"/dev/null\";\n\
             Dir::Etc::preferencesparts \"/dev/null\";\n\
             APT::Sandbox::User \"root\";\n\
             Acquire::Check-Valid-Until \"false\";\n\
             Acquire::Languages \"none\";\n"
        )
    }
}

/// Installs packages of the system's own release; only as root.
pub(super) fn install(packages: &[&str]) -> Outcome {
    let by_hand = || format!("`apt-get install {}`", packages.join(" "));
    if shell::find_program("apt-get").is_none() {
        return Err(Failure::new(format!("install {} with your package manager", packages.join(" and "))));
    }
    if !shell::is_root() {
        return Err(Failure::new(format!("not run as root: install with {}", by_hand())));
    }
    println!("installing {} …", packages.join(" "));
    let apt_get = || {
        let mut command = Command::new("apt-get");
        command.arg("-q").env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    shell::output(apt_get().arg("update"))?;
    let done = shell::output(apt_get().args(["install", "--yes", "--no-install-recommends"]).args(packages));
    done.map(drop).map_err(|failure| Failure::new(format!("{} failed: {failure}", by_hand())))
}

/// The mirror that this system already uses.
fn mirror() -> Outcome<String> {
    if shell::find_program("apt-get").is_none() || shell::find_program("dpkg").is_none() {
        return Err(Failure::new("no apt here"));
    }
    let targets = shell::output(Command::new("apt-get").args(["indextargets", "--format", "$(REPO_URI)"]))?;
    pick_mirror(&targets).ok_or_else(|| Failure::new("apt's sources name no Debian mirror"))
}

fn pick_mirror(targets: &str) -> Option<String> {
    let is_main = |uri: &&str| uri.trim_end_matches('/').ends_with("/debian");
    targets.lines().map(str::trim).find(is_main).map(|uri| uri.trim_end_matches('/').to_owned())
}

/// Reads `restic | 0.14.0-1+b5 | http://… bookworm/main amd64 Packages`, newest first as apt prints it.
fn packages_in(listed: &str) -> Vec<(String, String)> {
    let rows = listed.lines().rev().filter_map(|line| line.split('|').nth(1)).map(str::trim);
    rows.filter_map(|whole| Some((whole.split(['-', '+', '~']).next()?.to_owned(), whole.to_owned())))
        .collect()
}

fn sources(mirror: &str) -> String {
    let signed = if Path::new(KEYRING).exists() { format!(" signed-by={KEYRING}") } else { String::new() };
    RELEASES
        .iter()
        .map(|release| format!("deb [target=Packages{signed}] {mirror} {release} main\n"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debians_own_part_is_no_part_of_a_version() {
        let listed = "restic | 0.19.1-1 | http://mirror/debian sid/main amd64 Packages\n    \
                      restic | 0.14.0-1+b5 | http://mirror/debian bookworm/main amd64 Packages\n";
        let pair = |version: &str, whole: &str| (version.to_owned(), whole.to_owned());
        assert_eq!(packages_in(listed), [pair("0.14.0", "0.14.0-1+b5"), pair("0.19.1", "0.19.1-1")]);
    }

    #[test]
    fn the_mirror_is_the_main_archive_and_not_the_security_one() {
        let targets = "http://mirror/debian-security/\nhttp://mirror/debian/\nhttp://mirror/debian/\n";
        assert_eq!(pick_mirror(targets).as_deref(), Some("http://mirror/debian"));
        assert_eq!(pick_mirror("http://mirror/ubuntu/\n"), None);
    }
}
