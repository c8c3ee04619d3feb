//! Whether a licence expression can be met with the licences that we accept.

/// True when some way to satisfy the SPDX expression uses accepted licences only. The old form `MIT/Apache-2.0` means a choice.
pub(super) fn is_met(expression: &str, accepted: &[&str]) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut parser = Parser { words: &words, at: 0, accepted, is_whole: true };
    let met = parser.either();
    met && parser.is_whole && parser.at == words.len()
}

struct Parser<'a> {
    words: &'a [&'a str],
    at: usize,
    accepted: &'a [&'a str],
    /// False once a name or a bracket was missed.
    is_whole: bool,
}

impl Parser<'_> {
    fn either(&mut self) -> bool {
        let mut met = self.both();
        while self.take("OR") {
            let other = self.both();
            met = met || other;
        }
        met
    }

    fn both(&mut self) -> bool {
        let mut met = self.one();
        while self.take("AND") {
            let other = self.one();
            met = met && other;
        }
        met
    }

    fn one(&mut self) -> bool {
        if self.take("(") {
            let met = self.either();
            self.is_whole &= self.take(")");
            return met;
        }
        let Some(name) = self.words.get(self.at).filter(|word| !["AND", "OR", "WITH", ")"].contains(word))
        else {
            self.is_whole = false;
            return false;
        };
        self.at += 1;
        if !self.take("WITH") {
            return self.accepted.contains(name);
        }
        let exception = self.words.get(self.at).copied().unwrap_or_default();
        self.at += 1;
        // An exception only adds permissions.
        self.accepted.contains(name) || self.accepted.contains(&format!("{name} WITH {exception}").as_str())
    }

    fn take(&mut self, word: &str) -> bool {
        let is_next = self.words.get(self.at) == Some(&word);
        self.at += usize::from(is_next);
        is_next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_branch_of_a_choice_is_enough_and_all_of_a_sum_are_needed() {
        let accepted = ["MIT", "Unicode-3.0", "Apache-2.0"];
        for met in [
            "MIT",
            "MIT OR GPL-3.0",
            "GPL-3.0/MIT",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception OR GPL-2.0",
        ] {
            assert!(is_met(met, &accepted), "{met}");
        }
        for unmet in ["GPL-3.0", "MIT AND GPL-3.0", "", "MIT OR", "(MIT", "MIT)", "MIT Apache-2.0"] {
            assert!(!is_met(unmet, &accepted), "{unmet}");
        }
    }
}
