//! What a store promises, whatever it keeps its data in: every case runs against each kind of store.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod accepting;
mod concurrency;
mod conflicts;
mod dead_letters;
mod feed;
mod finishing;
mod leases;
mod listings;
mod memory;
mod order;
mod pages;
mod plugin;
mod policy;
mod quotas;
mod renaming;
mod retention;
mod timers;

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
    crate::accepting::an_event_comes_back_as_it_was as an_event_comes_back_as_it_was,
    crate::accepting::each_subscriber_gets_it_once as each_subscriber_gets_it_once,
    crate::accepting::a_subscriber_keeps_its_key as a_subscriber_keeps_its_key,
    crate::accepting::an_unknown_subscriber_refuses_the_request_and_no_other as an_unknown_subscriber_refuses_the_request_and_no_other,
    crate::accepting::a_repetition_is_told_and_leaves_nothing as a_repetition_is_told_and_leaves_nothing,
    crate::accepting::a_key_is_known_for_its_time as a_key_is_known_for_its_time,
    crate::accepting::keys_of_tenants_and_sources_are_apart as keys_of_tenants_and_sources_are_apart,
    crate::accepting::a_key_counts_to_its_last_byte as a_key_counts_to_its_last_byte,
    crate::accepting::of_those_sent_at_once_one_is_new as of_those_sent_at_once_one_is_new,
    crate::accepting::many_keys_come_and_go as many_keys_come_and_go,
    crate::accepting::a_delivery_is_named_by_its_event_and_subscriber as a_delivery_is_named_by_its_event_and_subscriber,
    crate::order::a_conversation_comes_one_by_one as a_conversation_comes_one_by_one,
    crate::order::conversations_do_not_wait_for_each_other as conversations_do_not_wait_for_each_other,
    crate::order::what_belongs_to_no_conversation_waits_for_nothing as what_belongs_to_no_conversation_waits_for_nothing,
    crate::order::a_head_that_is_tried_again_blocks_its_own as a_head_that_is_tried_again_blocks_its_own,
    crate::order::a_dead_head_lets_the_next_one_go as a_dead_head_lets_the_next_one_go,
    crate::order::a_conversation_in_one_batch_is_in_order_too as a_conversation_in_one_batch_is_in_order_too,
    crate::leases::a_claim_takes_what_is_due_for_longest as a_claim_takes_what_is_due_for_longest,
    crate::leases::a_claim_tells_when_to_ask_again as a_claim_tells_when_to_ask_again,
    crate::leases::several_subscribers_are_asked_at_once as several_subscribers_are_asked_at_once,
    crate::leases::nothing_is_claimed_twice as nothing_is_claimed_twice,
    crate::leases::a_lease_ends_and_the_stale_worker_is_fenced as a_lease_ends_and_the_stale_worker_is_fenced,
    crate::leases::a_late_end_counts_if_nobody_took_over as a_late_end_counts_if_nobody_took_over,
    crate::leases::a_retry_is_claimed_anew as a_retry_is_claimed_anew,
    crate::leases::a_start_releases_all_leases as a_start_releases_all_leases,
    crate::leases::what_is_handed_back_was_no_attempt as what_is_handed_back_was_no_attempt,
    crate::leases::a_new_revision_makes_retries_due as a_new_revision_makes_retries_due,
    crate::leases::who_is_absent_is_parked as who_is_absent_is_parked,
    crate::policy::first_tries_and_others_have_shares_of_their_own as first_tries_and_others_have_shares_of_their_own,
    crate::policy::what_is_set_aside_is_overtaken as what_is_set_aside_is_overtaken,
    crate::policy::what_holds_up_its_conversation_is_found as what_holds_up_its_conversation_is_found,
    crate::policy::only_what_waits_for_an_attempt_is_set_aside as only_what_waits_for_an_attempt_is_set_aside,
    crate::policy::who_is_paused_or_disabled_waits_until_it_is_resumed as who_is_paused_or_disabled_waits_until_it_is_resumed,
    crate::policy::attempts_that_do_not_count_leave_the_schedule as attempts_that_do_not_count_leave_the_schedule,
    crate::policy::what_is_later_can_be_hurried as what_is_later_can_be_hurried,
    crate::policy::what_is_closed_can_be_replayed as what_is_closed_can_be_replayed,
    crate::policy::replays_keep_the_order_of_their_conversation as replays_keep_the_order_of_their_conversation,
    crate::policy::a_replay_may_go_to_somebody_else as a_replay_may_go_to_somebody_else,
    crate::policy::the_oldest_come_first_for_replays as the_oldest_come_first_for_replays,
    crate::finishing::effects_come_with_the_end as effects_come_with_the_end,
    crate::finishing::a_conflict_leaves_the_delivery_leased as a_conflict_leaves_the_delivery_leased,
    crate::finishing::who_is_fenced_changes_nothing as who_is_fenced_changes_nothing,
    crate::finishing::of_many_that_end_one_alike_one_counts as of_many_that_end_one_alike_one_counts,
    crate::finishing::what_a_call_changes_is_kept_as_a_whole as what_a_call_changes_is_kept_as_a_whole,
    crate::finishing::a_call_may_emit_and_change_nothing_else as a_call_may_emit_and_change_nothing_else,
    crate::finishing::refuses_everything_once_closed as refuses_deliveries_once_closed,
    crate::quotas::keys_are_counted as keys_are_counted,
    crate::quotas::bytes_of_keys_and_values_are_counted as bytes_of_keys_and_values_are_counted,
    crate::quotas::timers_are_counted as timers_are_counted,
    crate::quotas::what_does_not_grow_is_not_refused as what_does_not_grow_is_not_refused,
    crate::quotas::what_timers_carry_counts_too as what_timers_carry_counts_too,
    crate::quotas::what_has_expired_makes_room as what_has_expired_makes_room,
    crate::quotas::what_comes_back_counts_anew as what_comes_back_counts_anew,
    crate::quotas::each_scope_has_its_own as each_scope_has_its_own,
    crate::quotas::many_at_once_keep_no_more as many_at_once_keep_no_more,
    crate::timers::a_timer_becomes_an_event as a_timer_becomes_an_event,
    crate::timers::one_with_the_same_key_is_replaced as one_with_the_same_key_is_replaced,
    crate::timers::what_is_cancelled_does_not_fire as what_is_cancelled_does_not_fire,
    crate::timers::those_due_for_longest_come_first as those_due_for_longest_come_first,
    crate::timers::timers_of_scopes_are_apart as timers_of_scopes_are_apart,
    crate::timers::a_timer_and_a_write_of_one_call_are_all_or_none as a_timer_and_a_write_of_one_call_are_all_or_none,
    crate::timers::its_event_waits_for_its_conversation as its_event_waits_for_its_conversation,
    crate::timers::what_an_absent_plugin_has_set_is_parked as what_an_absent_plugin_has_set_is_parked,
    crate::timers::with_an_id_that_is_taken_it_stays as with_an_id_that_is_taken_it_stays,
    crate::timers::of_those_that_fire_at_once_each_fires_once as of_those_that_fire_at_once_each_fires_once,
    crate::pages::events_are_listed_by_what_they_are as events_are_listed_by_what_they_are,
    crate::pages::rare_ones_are_found_in_a_long_log as rare_ones_are_found_in_a_long_log,
    crate::pages::deliveries_are_listed_by_whose_and_how_they_stand as deliveries_are_listed_by_whose_and_how_they_stand,
    crate::pages::few_that_are_due_are_found_among_many_that_wait as few_that_are_due_are_found_among_many_that_wait,
    crate::pages::a_delivery_tells_its_story as a_delivery_tells_its_story,
    crate::renaming::all_that_it_keeps_goes_along as all_that_it_keeps_goes_along,
    crate::renaming::what_two_keep_is_not_mixed as what_two_keep_is_not_mixed,
    crate::renaming::what_is_under_way_arrives_under_the_new_name as what_is_under_way_arrives_under_the_new_name,
    crate::renaming::what_is_under_way_to_both_names_keeps_its_order as what_is_under_way_to_both_names_keeps_its_order,
    crate::dead_letters::what_is_beyond_a_backlog_is_found as what_is_beyond_a_backlog_is_found,
    crate::dead_letters::the_oldest_of_a_backlog_are_given_up as the_oldest_of_a_backlog_are_given_up,
    crate::dead_letters::what_dies_by_an_attempt_says_since_when as what_dies_by_an_attempt_says_since_when,
    crate::dead_letters::an_attempt_under_way_is_left_alone as an_attempt_under_way_is_left_alone,
    crate::dead_letters::who_is_absent_for_too_long_gets_nothing_more as who_is_absent_for_too_long_gets_nothing_more,
    crate::dead_letters::very_many_are_given_up_in_steps as very_many_are_given_up_in_steps,
    crate::retention::the_last_one_of_a_time_is_found as the_last_one_of_a_time_is_found,
    crate::retention::payloads_go_when_nobody_needs_them as payloads_go_when_nobody_needs_them,
    crate::retention::events_go_with_all_that_is_known_of_them as events_go_with_all_that_is_known_of_them,
    crate::retention::dead_letters_are_kept_for_longer as dead_letters_are_kept_for_longer,
    crate::retention::very_much_is_removed_in_steps as very_much_is_removed_in_steps,
    crate::retention::what_is_replayed_is_whole_and_waits_anew as what_is_replayed_is_whole_and_waits_anew,
}
