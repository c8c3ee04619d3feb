//! `cargo xtask docs`: pages that come from tables in the code, and the check that they are current.

use std::fs;

use crate::arrows;
use crate::failure::{Failure, Outcome};
use crate::shell;
use crate::workspace::{self, cargo};

struct Page {
    path: &'static str,
    text: Text,
}

enum Text {
    /// The whole page is what a program of ours prints.
    Printed { package: &'static str, arguments: &'static [&'static str] },
    /// What stands between the lines `BEGIN` and `END`; the rest is written by hand.
    Within(fn() -> String),
}

const PAGES: &[Page] = &[
    Page {
        path: "docs/reference/server-settings.md",
        text: Text::Printed { package: "restic-manager-server-bin", arguments: &["reference"] },
    },
    Page {
        path: "docs/reference/limits.md",
        text: Text::Printed { package: "restic-manager-server-bin", arguments: &["reference", "limits"] },
    },
    Page {
        path: "docs/reference/web-settings.md",
        text: Text::Printed { package: "restic-manager-web-bin", arguments: &["reference"] },
    },
    Page {
        path: "docs/reference/alerts.md",
        text: Text::Printed { package: "restic-manager-server-bin", arguments: &["alerts-reference"] },
    },
    Page {
        path: "docs/reference/metrics.md",
        text: Text::Printed { package: "restic-manager-server-bin", arguments: &["reference", "metrics"] },
    },
    Page { path: "docs/ARCHITECTURE.md", text: Text::Within(arrows::map) },
];

const BEGIN: &str = "<!-- written by `cargo xtask docs` -->\n";
const END: &str = "<!-- end -->\n";

/// Writes every page anew, or those whose path holds one of the words.
pub(crate) fn run(words: &[String]) -> Outcome {
    let is_chosen = |page: &&Page| words.is_empty() || words.iter().any(|word| page.path.contains(word));
    for page in PAGES.iter().filter(is_chosen) {
        let path = workspace::root().join(page.path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        fs::write(&path, page.text(&kept)?).map_err(|error| Failure::at(&path, &error))?;
        println!("wrote {}", page.path);
    }
    Ok(())
}

/// Fails when a page is not what the code would write.
pub(crate) fn check() -> Outcome {
    for page in PAGES {
        let kept = fs::read_to_string(workspace::root().join(page.path)).unwrap_or_default();
        if kept != page.text(&kept)? {
            return Err(Failure::new(format!(
                "{} is out of date: run `cargo xtask docs` and commit it",
                page.path
            )));
        }
    }
    println!("{} generated pages are current", PAGES.len());
    Ok(())
}

impl Page {
    fn text(&self, kept: &str) -> Outcome<String> {
        match self.text {
            Text::Printed { package, arguments } => {
                shell::output(cargo(&["run", "--quiet", "-p", package, "--"]).args(arguments))
            }
            Text::Within(text) => replaced(kept, &text())
                .ok_or_else(|| Failure::new(format!("{} lacks the lines {BEGIN}{END}", self.path))),
        }
    }
}

fn replaced(page: &str, text: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some([before, BEGIN, text, END, after].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_decision_is_titled_by_its_number() {
        for record in fs::read_dir(workspace::root().join("docs/decisions")).unwrap().map(Result::unwrap) {
            let name = record.file_name().into_string().unwrap();
            let Some(number) = name.get(..4).filter(|number| number.parse::<u16>().is_ok()) else { continue };
            let text = fs::read_to_string(record.path()).unwrap();
            assert!(
                text.starts_with(&format!("# {number}: ")),
                "{name} does not begin with `# {number}: Title`"
            );
        }
    }

    #[test]
    fn what_is_written_by_hand_stays() {
        let page = format!("above\n{BEGIN}old\n{END}below\n");
        assert_eq!(replaced(&page, "new\n").unwrap(), format!("above\n{BEGIN}new\n{END}below\n"));
        assert_eq!(replaced("above\nbelow\n", "new\n"), None);
    }
}
