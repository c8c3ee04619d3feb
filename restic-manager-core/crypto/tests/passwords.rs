use proptest::prelude::*;
use restic_manager_crypto::{
    MAX_PASSWORD_BYTES, PasswordCost, PasswordError, Passwords, SecretString, SeededRandom, Verdict,
};

fn cheap() -> Passwords {
    Passwords::new(PasswordCost::lowest())
}

fn stored(password: &str) -> String {
    cheap().hash(&SecretString::new(password), &SeededRandom::new(1)).unwrap()
}

fn verify(password: &str, stored: &str) -> Result<Verdict, PasswordError> {
    cheap().verify(&SecretString::new(password), stored)
}

#[test]
fn only_the_password_is_right() {
    let stored = stored("violet teapots argue");
    assert_eq!(verify("violet teapots argue", &stored), Ok(Verdict::Right));
    for wrong in
        ["", "violet teapots argue ", "Violet teapots argue", "violet teapots argu", "violet teapots argue\0"]
    {
        assert_eq!(verify(wrong, &stored), Ok(Verdict::Wrong), "{wrong:?}");
    }
}

#[test]
fn another_cost_is_noticed_when_the_password_is_right() {
    let stored = stored("violet teapots argue");
    for (memory_kib, passes, lanes) in [(16, 1, 1), (8, 2, 1), (16, 1, 2)] {
        let today = Passwords::new(PasswordCost::new(memory_kib, passes, lanes).unwrap());
        let verdict = |password| today.verify(&SecretString::new(password), &stored);
        assert_eq!(verdict("violet teapots argue"), Ok(Verdict::RightButOutdated));
        assert_eq!(verdict("violet teapots agree"), Ok(Verdict::Wrong));
    }
}

#[test]
fn two_hashes_of_a_password_differ() {
    let random = SeededRandom::new(1);
    let password = SecretString::new("violet teapots argue");
    assert_ne!(cheap().hash(&password, &random), cheap().hash(&password, &random));
}

#[test]
fn long_passwords_are_refused_before_any_work() {
    let (fits, too_long) = ("x".repeat(MAX_PASSWORD_BYTES), "x".repeat(MAX_PASSWORD_BYTES + 1));
    assert_eq!(verify(&fits, &stored(&fits)), Ok(Verdict::Right));
    assert_eq!(verify(&too_long, "not even a hash"), Ok(Verdict::Wrong));
    let hashed = cheap().hash(&SecretString::new(too_long), &SeededRandom::new(1));
    assert_eq!(hashed, Err(PasswordError::TooLong));
}

#[test]
fn nobody_has_any_password() {
    for password in ["", "violet teapots argue", &"x".repeat(MAX_PASSWORD_BYTES + 1)] {
        assert_eq!(cheap().verify_nobody(&SecretString::new(password)), Ok(Verdict::Wrong));
    }
}

#[test]
fn damaged_and_hostile_rows_are_neither_right_nor_wrong() {
    let good = stored("violet teapots argue");
    let at = good.rfind('$').unwrap();
    for row in [
        "",
        "violet teapots argue",
        "$argon2id$v=19$m=8,t=1,p=1",
        &good[..at],
        &good[..good.len() - 4],
        &good.replace("argon2id", "argon2i"),
        &good.replace("argon2id", "scrypt"),
        &good.replace("v=19", "v=16"),
        &good.replace("$v=19", ""),
        &good.replace("m=8", "m=4294967295"),
        &good.replace("m=8", "m=1048577"),
        &good.replace("t=1", "t=65"),
        &good.replace("p=1", "p=17"),
        &good.replace("p=1", "p=0"),
        &good.replace("p=1", "p=1,data=AAAA,x=1"),
    ] {
        assert_eq!(verify("violet teapots argue", row), Err(PasswordError::Unreadable), "{row}");
    }
}

#[test]
fn costs_have_limits() {
    for (memory_kib, passes, lanes) in
        [(7, 1, 1), (8, 0, 1), (8, 1, 0), (15, 1, 2), (1 << 21, 1, 1), (64, 65, 1), (1024, 1, 17)]
    {
        assert_eq!(PasswordCost::new(memory_kib, passes, lanes), Err(PasswordError::CostOutOfRange));
    }
    assert!(PasswordCost::new(1 << 20, 64, 16).is_ok());
    assert_eq!(PasswordCost::new(19 * 1024, 2, 1), Ok(PasswordCost::default()));
}

proptest! {
    #[test]
    fn any_row_gets_an_answer(row in "\\$argon2id\\$v=19\\$m=[0-9]{1,3},t=[0-9],p=[0-9]\\$[A-Za-z0-9+/]{0,30}\\$[A-Za-z0-9+/]{0,50}|\\PC*") {
        let _ = verify("violet teapots argue", &row);
    }
}
