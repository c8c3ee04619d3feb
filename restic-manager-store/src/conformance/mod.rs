//! What every backend must do, as cases that a backend of your own can run too. Feature `conformance`.
//!
//! [`conformance!`](crate::conformance!) makes one test per case. It takes a function that opens an empty database, and
//! wants tokio with its macros among the dev-dependencies:
//!
//! ```
//! # mod example {
//! use restic_manager_store::{Store, memory::MemoryStore};
//!
//! async fn open() -> (Box<dyn Store>, ()) {
//!     (Box::new(MemoryStore::new()), ())
//! }
//!
//! mod memory {
//!     restic_manager_store::conformance!(super::open);
//! }
//! # }
//! ```
//!
//! The second part of what the function returns is kept until the case is over: a temporary folder, say.
#![expect(missing_docs, reason = "a case is documented by its name")]

pub mod model;
mod samples;

/// Lists the cases once; makes the table and the macro of them.
macro_rules! cases {
    ($dollar:tt $($noun:ident: $($case:ident),* $(,)?;)*) => {
        $(#[doc = concat!("Cases about ", stringify!($noun), ".")] pub mod $noun;)*

        /// The names of all cases.
        pub const CASES: &[&str] = &[$($(concat!(stringify!($noun), "::", stringify!($case))),*),*];

        /// Makes one test per case out of a function that opens an empty database; see the module of this name.
        #[macro_export]
        macro_rules! conformance {
            ($dollar open:path) => {
                $(mod $noun {
                    $(#[tokio::test]
                    async fn $case() -> Result<(), $crate::Error> {
                        let (store, _kept) = $dollar open().await;
                        $crate::conformance::$noun::$case(&*store).await
                    })*
                })*
            };
        }
    };
}

cases! { $
    transactions: a_dropped_transaction_leaves_nothing, a_commit_is_seen_by_later_reads, a_read_keeps_its_moment,
        a_transaction_sees_its_own_changes, many_writers_lose_nothing, a_failed_change_leaves_the_rest_unkept;
    audit: a_commit_appends_its_entries, the_chain_holds_and_shows_tampering, a_dropped_transaction_has_no_entry,
        scopes_show_their_entries, a_time_shows_its_entries, pages_join, concurrent_entries_keep_the_chain, hostile_text_keeps_the_chain;
    checkpoints: the_last_and_those_that_cover, one_per_entry;
    sealed: every_place_is_walked, a_seal_is_replaced_alone;
    users: names_are_unique_when_folded, an_update_wants_the_version, passwords_change_and_strengthen,
        enabled_admins_are_counted, one_admin_is_left_by_every_race, a_login_is_noted, pages_join;
    sessions: a_token_finds_its_session, rotation_keeps_the_old_token_known, a_proof_is_of_the_present_token,
        a_token_that_never_arrived_is_superseded, families_end_together,
        all_but_one_end, purging_forgets_the_expired;
    setup_links: a_person_has_one_at_most, one_is_removed_once, purging_forgets_the_expired;
    limits: a_lane_keeps_its_moment, purging_forgets_whole_ones;
    factors: an_app_is_replaced_and_removed, a_code_is_spent_once, recovery_codes_are_spent_and_replaced,
        passkeys_are_found_and_count, clearing_leaves_the_others, what_is_good_once_is_spent_once;
    api_tokens: a_token_is_found_used_and_revoked, the_tokens_of_a_person_are_revoked_together, purging_spares_good_ones,
        pages_join, those_that_end_soon_are_found;
    bootstrap: a_token_is_replaced_until_spent, a_token_is_spent_once;
    meta: facts_are_kept;
    metrics: an_end_is_counted_once_and_never_taken_back, durations_fall_between_their_bounds, leases_are_counted_by_state, what_ended_in_a_time_is_counted_within_a_scope,
        notifications_are_counted_by_channel,
        groups_show_their_last_backup_and_newest_snapshot, repositories_show_their_newest_measurement_and_duties;
    hosts: names_and_tokens_are_unique, many_are_seen_at_once, a_name_is_free_after_deletion, settings_want_the_version, the_name_for_restic_stays,
        connections_count_up, the_outbox_never_goes_back, a_take_over_forgets_the_old_agent,
        a_token_is_offered_once_and_confirmed, a_withdrawn_token_is_worth_nothing,
        a_deleted_host_is_history, deleted_hosts_have_their_own_list, a_purge_leaves_nothing_of_the_host,
        filters_and_pages_agree, tags_follow_the_hosts, standings_count_every_host, those_to_be_looked_at_are_found,
        orders_put_what_is_missing_at_one_end, days_keep_a_tally_of_backups, configurations_are_wanted_and_held;
    enrolments: a_token_is_spent_once, a_reissue_kills_the_old_one, time_expires_open_ones, purging_spares_open_ones;
    pending_hosts: a_key_waits_once, a_decision_is_made_once, the_first_look_stays, purging_forgets_the_expired;
    repositories: names_are_unique_when_folded, secrets_are_set_and_wiped, an_attached_one_cannot_go,
        a_place_where_it_was_ready_is_remembered, pages_join;
    attachments: both_ends_must_exist, a_check_is_recorded_and_asked_for, a_location_wants_the_version,
        a_used_one_cannot_go, what_a_job_met_is_noted;
    schedules: names_are_unique_on_their_host, the_groups_belong_to_the_host, groups_keep_their_order,
        an_update_wants_the_version, a_group_in_use_cannot_go;
    sources: names_are_unique_on_their_host, the_repository_must_be_attached, an_update_wants_the_version,
        policies_of_a_repository_are_found, what_changes_is_noted;
    freezes: a_thing_is_frozen_once_for_a_cause, a_freeze_follows_its_source_group;
    hooks: each_owner_has_its_own, a_change_wants_the_version, they_go_with_their_source_group;
    jobs: a_life_from_question_to_end, the_first_end_stays, only_a_queued_job_is_dispatched,
        claims_take_the_oldest, a_cancelled_job_is_not_claimed, the_host_shows_its_last_backup, a_group_keeps_its_last_verdict,
        overdue_jobs_are_found, scopes_show_their_jobs, a_slot_has_one_job, what_was_skipped_is_no_last_backup,
        jobs_of_a_time_are_found_by_their_ids, tallies_follow, collection_spares_active_jobs,
        hostile_text_is_stored;
    leases: exclusive_means_alone, a_race_has_one_winner, a_lease_ends_with_its_job, a_crowd_shows_who_stands_in_the_way,
        a_place_stands_until_it_is_given_up, a_lost_lease_stands_until_it_is_found_or_released;
    upkeep: a_duty_is_written_whole, the_longest_due_come_first, duties_go_with_their_repository,
        a_runner_is_appointed, the_newest_deletion_test_counts_until_it_is_discarded;
    measurements: a_day_keeps_its_newest, old_ones_are_purged_in_batches, they_go_with_their_repository;
    backup_days: a_day_adds_up_and_keeps_the_newest_size, old_ones_are_purged_in_batches, they_go_with_a_purged_host, those_that_grew_most_come_first;
    previews: pages_join_and_repeats_are_passed_over, old_ones_are_purged_in_batches;
    drafts: one_is_kept_and_wiped;
    logs: lines_come_back_in_order, what_arrives_twice_is_stored_once, gaps_are_counted,
        long_logs_are_read_from_anywhere, late_lines_are_kept, a_log_without_end_loses_its_middle, any_text_is_kept, discarding_spares_active_jobs;
    alerts: one_lasts_per_kind_and_subject, what_worsens_is_open_again, a_rule_resolves_what_it_no_longer_finds,
        people_take_on_and_close, filters_and_pages_agree, tallies_follow, purging_spares_what_lasts,
        what_is_taken_on_for_a_time_is_open_again, what_nobody_takes_on_is_told_again_each_day, what_comes_and_goes_settles, one_cause_has_its_own_below_it,
        what_is_about_a_thing_is_found;
    scopes: lists_are_the_filter_of_all, a_removed_host_has_left_its_tags;
    snapshots: a_listing_is_the_whole_truth, a_listing_may_come_in_pieces, the_newest_of_a_tag_has_no_other, host_and_attachment_follow, pages_join, detaching_forgets,
        forgotten_ones_are_gone, what_is_empty_or_of_the_future_does_not_count;
    maintenance: what_is_not_over_is_listed_by_its_end, one_is_ended_once_and_one_to_come_is_removed,
        purging_forgets_what_is_long_over;
    channels: names_are_unique_when_folded, an_update_wants_the_version, how_it_went_is_noted, one_takes_its_deliveries_with_it;
    routes: they_come_in_their_order, an_update_wants_the_version;
    silences: what_is_not_over_is_listed_by_its_end, one_is_ended_once_and_one_to_come_is_removed, purging_forgets_what_is_long_over;
    deliveries: notices_are_taken_in_order, what_is_due_comes_first, the_newest_of_a_group_is_found, one_is_settled_by_who_saw_it_last,
        pages_join, purging_spares_what_waits;
    replies: a_key_is_used_once, purging_forgets_the_expired;
}
