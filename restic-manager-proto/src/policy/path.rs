//! Paths of either system as lists of names that can be compared.

use crate::rules::is_absolute;

/// The names along an absolute path; `None` when it is not absolute, or says by `..` or otherwise that it leads
/// elsewhere than it looks. On Windows, names are compared without case.
pub(super) fn parts(path: &str) -> Option<Vec<String>> {
    if path.contains('\0') {
        return None;
    }
    if path.starts_with('/') {
        let names = path.split('/').filter(|name| !matches!(*name, "" | ".")).map(unix_name);
        return core::iter::once(Some("/".to_owned())).chain(names).collect();
    }
    windows_parts(&path.replace('/', r"\"))
}

fn unix_name(name: &str) -> Option<String> {
    (name != "..").then(|| name.to_owned())
}

fn windows_parts(path: &str) -> Option<Vec<String>> {
    // `\\?\C:\x` and `\\?\UNC\server\share` are long ways to say what the rest says.
    let path = match path.strip_prefix(r"\\?\") {
        Some(rest) => match rest.get(..4).filter(|unc| unc.eq_ignore_ascii_case(r"UNC\")) {
            Some(_) => format!(r"\\{}", &rest[4..]),
            None => rest.to_owned(),
        },
        None => path.to_owned(),
    };
    let (root, rest) = match path.strip_prefix(r"\\") {
        Some(rest) => (r"\\".to_owned(), rest),
        None => {
            let drive = path.get(..3).filter(|_| is_absolute(&path))?;
            (drive[..2].to_lowercase(), &path[3..])
        }
    };
    let names = rest.split('\\').filter(|name| !matches!(*name, "" | ".")).map(windows_name);
    core::iter::once(Some(root)).chain(names).collect()
}

/// Windows takes `Name. .` for `name`; a colon names another stream of the file, `?` and a lone dot a device.
fn windows_name(name: &str) -> Option<String> {
    let plain = name.trim_end_matches(['.', ' ']);
    (!plain.is_empty() && !plain.contains([':', '?'])).then(|| plain.to_lowercase())
}
