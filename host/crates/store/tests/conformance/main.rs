//! What a store promises, whatever it keeps its data in: every case runs against each kind of store.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod concurrency;
mod conflicts;
mod listings;
mod memory;
mod plugin;

/// Each case is a function that takes a new, empty store.
macro_rules! conformance {
    ($($case:path as $name:ident),* $(,)?) => {
        mod on_disk {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let dir = tempfile::tempdir().unwrap();
                let store = slashbox_store::Store::open(dir.path()).unwrap();
                $case(store.clone()).await;
                store.close().await;
            })*
        }
        mod in_memory {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let store = slashbox_store::Store::in_memory().unwrap();
                $case(store.clone()).await;
                store.close().await;
            })*
        }
    };
}

conformance! {
    crate::memory::holds_what_was_set as holds_what_was_set,
    crate::memory::forgets_what_was_deleted as forgets_what_was_deleted,
    crate::memory::forgets_at_the_millisecond_of_the_expiry as forgets_at_the_millisecond_of_the_expiry,
    crate::memory::keeps_scopes_apart as keeps_scopes_apart,
    crate::memory::takes_any_key_and_value as takes_any_key_and_value,
    crate::memory::gives_each_write_its_own_version as gives_each_write_its_own_version,
    crate::memory::adds_to_whatever_number_is_there as adds_to_whatever_number_is_there,
    crate::memory::refuses_everything_once_closed as refuses_everything_once_closed,
    crate::conflicts::a_read_conflicts_if_its_key_changed as a_read_conflicts_if_its_key_changed,
    crate::conflicts::a_listing_conflicts_if_it_changed as a_listing_conflicts_if_it_changed,
    crate::conflicts::an_expiry_is_a_change as an_expiry_is_a_change,
    crate::conflicts::an_addition_conflicts_without_a_number as an_addition_conflicts_without_a_number,
    crate::conflicts::a_conflict_writes_nothing as a_conflict_writes_nothing,
    crate::conflicts::reading_alone_is_never_checked as reading_alone_is_never_checked,
    crate::listings::come_in_the_order_of_bytes as come_in_the_order_of_bytes,
    crate::listings::hold_exactly_the_keys_with_the_prefix as hold_exactly_the_keys_with_the_prefix,
    crate::listings::come_in_pages as come_in_pages,
    crate::listings::leave_out_what_expired as leave_out_what_expired,
    crate::listings::tell_the_versions_that_get_tells as tell_the_versions_that_get_tells,
    crate::concurrency::additions_add_up_and_never_conflict as additions_add_up_and_never_conflict,
    crate::concurrency::no_update_is_lost as no_update_is_lost,
    crate::concurrency::a_commit_is_seen_whole as a_commit_is_seen_whole,
}
