//! Random operations leave all backends in equal states.

use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use restic_manager_store::{
    Store,
    conformance::model::{Step, apply, metrics, populate, state},
};

/// Few, to stay quick; `PROPTEST_CASES` asks for more.
const RUNS: u32 = 8;

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (any::<u8>(), 0..12_u8, 0..12_u8, 0..16_u8).prop_map(|(verb, row, other, value)| Step {
        verb,
        row,
        other,
        value,
    });
    prop::collection::vec(step, 1..150)
}

#[test]
fn all_backends_agree() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let cases = std::env::var("PROPTEST_CASES").map_or(RUNS, |cases| cases.parse().unwrap());
    let config = Config { cases, max_shrink_iters: 300, failure_persistence: None, ..Config::default() };
    let agreed = TestRunner::new(config).run(&steps(), |steps| runtime.block_on(agree(&steps)));
    agreed.unwrap();
}

async fn agree(steps: &[Step]) -> Result<(), TestCaseError> {
    let (memory, ()) = crate::memory::open().await;
    let (sqlite, _folder) = crate::sqlite::open().await;
    let (postgres, database) = crate::postgres::open().await;
    for store in [&memory, &sqlite, &postgres] {
        populate(&**store).await.unwrap();
    }
    for step in steps {
        let expected = apply(&*memory, *step).await.unwrap();
        for (name, store) in [("SQLite", &sqlite), ("PostgreSQL", &postgres)] {
            let said = apply(&**store, *step).await.unwrap();
            prop_assert_eq!(&said, &expected, "{} on {:?}", name, step);
        }
    }
    let expected = seen(&*memory).await;
    for (name, store) in [("SQLite", &sqlite as &Box<dyn Store>), ("PostgreSQL", &postgres)] {
        let found = seen(&**store).await;
        let difference = expected.lines().zip(found.lines()).find(|(expected, found)| expected != found);
        prop_assert_eq!(difference, None, "{}", name);
        prop_assert_eq!(expected.len(), found.len(), "{}", name);
    }
    postgres.close().await.unwrap();
    database.discard().await;
    Ok(())
}

async fn seen(store: &dyn Store) -> String {
    [state(store).await.unwrap(), metrics(store).await.unwrap()].join("\n")
}
