//! `cargo xtask docs`: pages that come from tables in the code, and the check that they are current.

use std::fs;

use crate::failure::{Failure, Outcome};
use crate::shell;
use crate::workspace::{self, cargo};

struct Page {
    path: &'static str,
    package: &'static str,
    arguments: &'static [&'static str],
}

const PAGES: &[Page] = &[
    Page {
        path: "docs/reference/server-settings.md",
        package: "restic-manager-server-bin",
        arguments: &["reference"],
    },
    Page {
        path: "docs/reference/web-settings.md",
        package: "restic-manager-web-bin",
        arguments: &["reference"],
    },
];

/// Writes every page anew.
pub(crate) fn run(_: &[String]) -> Outcome {
    for page in PAGES {
        let path = workspace::root().join(page.path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, text_of(page)?).map_err(|error| Failure::at(&path, &error))?;
        println!("wrote {}", page.path);
    }
    Ok(())
}

/// Fails when a page is not what the code would write.
pub(crate) fn check() -> Outcome {
    for page in PAGES {
        let kept = fs::read_to_string(workspace::root().join(page.path)).unwrap_or_default();
        if kept != text_of(page)? {
            return Err(Failure::new(format!(
                "{} is out of date: run `cargo xtask docs` and commit it",
                page.path
            )));
        }
    }
    println!("{} generated pages are current", PAGES.len());
    Ok(())
}

fn text_of(page: &Page) -> Outcome<String> {
    shell::output(cargo(&["run", "--quiet", "-p", page.package, "--"]).args(page.arguments))
}
