//! Random use against a simple model: nothing is lost, conversations stay in order, what calls change is kept exactly once
//! and within its quotas, each timer fires once.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod call;
mod model;
mod run;

use proptest::prelude::*;
use slashbox_store::Store;

use crate::run::{Step, run, steps};

/// What stands for the end of a process.
#[derive(Clone, Copy)]
enum Restart {
    /// The store is opened again.
    Opened,
    /// All that a new process would do is done, without the disk: so there can be many cases.
    Released,
}

fn check(steps: &[Step], restart: Restart) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        match restart {
            Restart::Opened => {
                let dir = tempfile::tempdir().unwrap();
                run(Store::open(dir.path()).unwrap(), steps, async |store| {
                    // Without a word, as a crash is.
                    drop(store);
                    Store::open(dir.path()).unwrap()
                })
                .await;
            }
            Restart::Released => run(Store::in_memory().unwrap(), steps, async |store| store).await,
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_store_does_what_the_model_does(steps in steps(80)) {
        check(&steps, Restart::Released);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn so_does_one_that_is_opened_again(steps in steps(40)) {
        check(&steps, Restart::Opened);
    }
}
