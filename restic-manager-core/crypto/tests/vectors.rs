//! Frozen formats. The files are never edited, only added to: each entry is data that somebody has stored.

use restic_manager_crypto::{
    Context, CsrfToken, Identity, Keyring, Label, PasswordCost, Passwords, PublicKey, Sealed, SecretBytes,
    SecretString, Signature, Token, TokenKind, Verdict,
};
use serde_json::Value;

#[test]
fn sealed_v1() {
    for case in cases(include_str!("vectors/sealed-v1.json")) {
        let keyring = Keyring::from_keys([SecretBytes::new(hex(&case, "key"))]).unwrap();
        let context = Context::new(leak(&case, "table"), hex(&case, "row"), leak(&case, "field"));
        let opened = keyring.open(&context, &Sealed::from_bytes(hex(&case, "sealed"))).ok();
        let expected = opens(&case).then(|| hex(&case, "plaintext"));
        assert_eq!(opened.map(|secret| secret.expose().to_vec()), expected, "{}", name(&case));
    }
}

#[test]
fn tokens_v1() {
    for case in cases(include_str!("vectors/tokens-v1.json")) {
        let prefix = text(&case, "prefix");
        let kind = *TokenKind::ALL.iter().find(|kind| kind.prefix() == prefix).unwrap();
        let parsed = Token::parse(kind, text(&case, "token"));
        assert_eq!(parsed.is_ok(), opens(&case), "{}", name(&case));
        if let Ok(token) = parsed {
            assert_eq!(token.hash().as_bytes().to_vec(), hex(&case, "hash"), "{}", name(&case));
            assert_eq!(CsrfToken::of(&token).expose(), text(&case, "csrf"), "{}", name(&case));
        }
    }
}

#[test]
fn signatures_v1() {
    for case in cases(include_str!("vectors/signatures-v1.json")) {
        let key = PublicKey::from_bytes(hex(&case, "public_key").try_into().unwrap());
        let signature = Signature::from_bytes(hex(&case, "signature").try_into().unwrap());
        let label = match text(&case, "label") {
            "server challenge" => Label::ServerChallenge,
            "agent proof" => Label::AgentProof,
            "enrolment" => Label::Enrolment,
            "enrolment answer" => Label::EnrolmentAnswer,
            "audit checkpoint" => Label::AuditCheckpoint,
            "release" => Label::Release,
            other => panic!("{other}"),
        };
        let verified = key.verify(label, &hex(&case, "message"), &signature).is_ok();
        assert_eq!(verified, opens(&case), "{}", name(&case));
        assert_eq!(key.fingerprint().to_string(), text(&case, "fingerprint"), "{}", name(&case));
    }
}

#[test]
fn passwords_v1() {
    let passwords = Passwords::new(PasswordCost::lowest());
    for case in cases(include_str!("vectors/passwords-v1.json")) {
        let verdict = passwords.verify(&SecretString::new(text(&case, "password")), text(&case, "stored"));
        let right = matches!(verdict, Ok(Verdict::Right | Verdict::RightButOutdated));
        assert_eq!(right, opens(&case), "{}", name(&case));
    }
}

#[test]
fn key_files_v1() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            std::fs::set_permissions(&path, mode).unwrap();
        }
        path
    };
    let keyring = Keyring::open_file(&put("secret.key", include_str!("vectors/keyring-v1.key"))).unwrap();
    let ids: Vec<_> = keyring.key_ids().map(|id| id.to_string()).collect();
    assert_eq!(ids, include_str!("vectors/keyring-v1.ids").lines().collect::<Vec<_>>());

    let identity = Identity::open_file(&put("agent.key", include_str!("vectors/identity-v1.pem"))).unwrap();
    let fingerprint = identity.public_key().fingerprint().to_string();
    assert_eq!(fingerprint, include_str!("vectors/identity-v1.fingerprint").trim());
}

#[test]
fn more_cases_must_fail_than_must_pass() {
    let all = [
        include_str!("vectors/sealed-v1.json"),
        include_str!("vectors/tokens-v1.json"),
        include_str!("vectors/signatures-v1.json"),
        include_str!("vectors/passwords-v1.json"),
    ];
    for file in all {
        let (pass, fail): (Vec<_>, Vec<_>) = cases(file).into_iter().partition(opens);
        assert!(!pass.is_empty() && fail.len() > pass.len(), "{} and {}", pass.len(), fail.len());
    }
}

fn cases(file: &str) -> Vec<Value> {
    serde_json::from_str(file).unwrap()
}

fn text<'a>(case: &'a Value, field: &str) -> &'a str {
    case[field].as_str().unwrap_or_else(|| panic!("{field} of {}", name(case)))
}

fn name(case: &Value) -> &str {
    case["name"].as_str().unwrap()
}

fn opens(case: &Value) -> bool {
    case["opens"].as_bool().unwrap()
}

fn leak(case: &Value, field: &str) -> &'static str {
    text(case, field).to_owned().leak()
}

pub(crate) fn hex(case: &Value, field: &str) -> Vec<u8> {
    let digits = text(case, field);
    let pairs = (0..digits.len()).step_by(2).map(|at| &digits[at..at + 2]);
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}
