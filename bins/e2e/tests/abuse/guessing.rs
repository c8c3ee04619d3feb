//! Guessing passwords, and learning who has an account.

use std::net::Ipv4Addr;

use futures_util::future::try_join_all;
use restic_manager_e2e::{ADMIN, ADMIN_PASSWORD, Outcome};
use restic_manager_proto::Scope;
use restic_manager_proto::vocabulary::Role;

use super::support::{Answer, Caller, Fort};

/// What each test tries at most before it says that nothing slows guessing down.
const ADDRESS_PATIENCE: usize = 80;
const ACCOUNT_PATIENCE: usize = 400;
const AT_ONCE: usize = 8;

const THERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);

#[tokio::test]
async fn one_address_is_slowed_down_whatever_account_it_tries() -> Outcome {
    let fort = Fort::start().await?;
    let guesser = fort.caller(THERE);
    let names = (0..ADDRESS_PATIENCE).map(|n| format!("user-{n}"));
    let refused = guess_until_refused(&guesser, names).await?;
    comes_again(&refused);
    guesser.sign_in(ADMIN, ADMIN_PASSWORD).await?.expect(429)?;
    fort.caller(ELSEWHERE).sign_in(ADMIN, ADMIN_PASSWORD).await?.expect(201)?;
    Ok(())
}

#[tokio::test]
async fn one_account_is_slowed_down_for_who_guesses_and_not_for_its_owner() -> Outcome {
    let fort = Fort::start().await?;
    let guesser = fort.caller(THERE);
    let refused = guess_until_refused(&guesser, (0..ADDRESS_PATIENCE).map(|_| ADMIN.to_owned())).await?;
    comes_again(&refused);
    // Whether the name exists cannot be told from when the refusal comes.
    let elsewhere = fort.caller(ELSEWHERE);
    let other = guess_until_refused(&elsewhere, (0..ADDRESS_PATIENCE).map(|_| "nobody".to_owned())).await?;
    assert_eq!(other.json()?["code"], refused.json()?["code"]);
    fort.caller(Ipv4Addr::new(127, 0, 0, 4)).sign_in(ADMIN, ADMIN_PASSWORD).await?.expect(201)?;
    Ok(())
}

#[tokio::test]
async fn one_account_is_slowed_down_when_many_addresses_share_the_guessing() -> Outcome {
    let fort = Fort::start().await?;
    let mut refused = None;
    for round in 0..ACCOUNT_PATIENCE / AT_ONCE {
        let guesses = (0..AT_ONCE).map(|n| {
            let address =
                Ipv4Addr::from_bits(Ipv4Addr::new(127, 1, 0, 1).to_bits() + (round * AT_ONCE + n) as u32);
            let caller = fort.caller(address);
            async move { caller.sign_in(ADMIN, "wrong").await }
        });
        let answers = try_join_all(guesses).await?;
        refused = answers.into_iter().find(|answer| answer.status == 429);
        if refused.is_some() {
            break;
        }
    }
    comes_again(&refused.expect("nothing slows down guessing from many addresses"));
    Ok(())
}

#[tokio::test]
async fn a_restart_gives_no_new_guesses() -> Outcome {
    let mut fort = Fort::start().await?;
    guess_until_refused(&fort.caller(THERE), (0..ADDRESS_PATIENCE).map(|_| ADMIN.to_owned())).await?;
    fort.server.kill().await?;
    fort.server.begin().await?;
    let refused = fort.caller(THERE).sign_in(ADMIN, "wrong").await?;
    comes_again(refused.expect(429)?);
    fort.caller(ELSEWHERE).sign_in(ADMIN, ADMIN_PASSWORD).await?.expect(201)?;
    Ok(())
}

#[tokio::test]
async fn who_has_an_account_cannot_be_told_from_the_answer() -> Outcome {
    let fort = Fort::start().await?;
    fort.add_user("disabled", Role::Admin, &Scope::All).await?;
    let mut connection = fort.open_database().await?;
    sqlx::query("UPDATE users SET disabled = 1 WHERE name = 'disabled'").execute(&mut connection).await?;
    let caller = fort.caller(THERE);
    let wrong = caller.sign_in(ADMIN, "wrong").await?;
    for (name, password) in [("nobody", "wrong"), ("disabled", "wrong"), ("disabled", ADMIN_PASSWORD)] {
        let other = caller.sign_in(name, password).await?;
        assert_eq!(other.status, wrong.status, "{name}");
        assert_eq!(other.without_request()?, wrong.without_request()?, "{name}");
        let names = |answer: &Answer| answer.headers.keys().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names(&other), names(&wrong), "{name}");
    }
    Ok(())
}

/// Time on a busy machine proves nothing: what is counted is the work, of which hashing is nearly all.
#[tokio::test]
async fn who_has_an_account_cannot_be_told_from_the_work() -> Outcome {
    const HASHED: &str = "a password was compared";
    let fort = Fort::with("info,restic_manager_server=trace", &[]).await?;
    let caller = fort.caller(THERE);
    let mut work = Vec::new();
    for name in [ADMIN, "nobody", "another-nobody"] {
        let before = fort.server.text().matches(HASHED).count();
        caller.sign_in(name, "wrong").await?.expect(401)?;
        fort.server.text_with(HASHED, before + 1).await?;
        work.push(fort.server.text().matches(HASHED).count() - before);
    }
    assert_eq!(work, [1, 1, 1], "an unknown name costs as many hashes as a known one");
    Ok(())
}

async fn guess_until_refused(caller: &Caller, names: impl Iterator<Item = String>) -> Outcome<Answer> {
    for name in names {
        let answer = caller.sign_in(&name, "wrong").await?;
        if answer.status == 429 {
            return Ok(answer);
        }
        answer.expect(401)?;
    }
    Err(restic_manager_e2e::Failure::new("nothing slows down guessing"))
}

#[track_caller]
fn comes_again(refused: &Answer) {
    let after = refused.headers.get("retry-after").and_then(|value| value.to_str().ok());
    assert!(
        after.and_then(|text| text.parse::<u64>().ok()).is_some_and(|seconds| seconds > 0),
        "{refused:?}"
    );
}
