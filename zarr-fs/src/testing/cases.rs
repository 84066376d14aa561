//! The list of the cases, and the tests made from it.

/// Makes one `#[test]` for each case of the suite, for a [`Harness`](crate::testing::Harness).
///
/// The modules `read`, `write`, `list`, `close` and `nothing_left` are made where it stands, so give it a module of its own.
/// Each case says what it runs on: a current-thread tokio runtime (`on_tokio`), no runtime (`without_runtime`), or a child
/// process (`in_child`).
#[macro_export]
macro_rules! conformance {
    ($harness:ty) => {
        type Backend = $harness;
        $crate::conformance! { @cases read, []
            on_tokio reads_a_whole_file_and_says_what_it_is;
            on_tokio reads_a_part_of_a_file;
            on_tokio reads_no_more_than_it_may;
            on_tokio a_range_that_leaves_the_file_is_out_of_bounds;
            on_tokio a_missing_file_is_not_found;
            on_tokio a_prefix_is_no_file;
            on_tokio an_empty_file_has_no_bytes;
            on_tokio ranges_come_in_the_order_asked_for;
            on_tokio no_ranges_ask_for_nothing;
            on_tokio a_small_slice_keeps_no_large_buffer;
            without_runtime a_stream_gives_a_large_file_in_pieces;
            on_tokio reads_only_the_version_asked_for;
            on_tokio a_name_is_taken_as_it_stands;
            on_tokio a_blocking_reader_reads_the_same;
            on_tokio many_reads_at_once_are_all_answered;
            on_tokio dropping_a_call_cancels_it;
        }
        $crate::conformance! { @cases write, []
            on_tokio reads_back_what_was_written;
            on_tokio overwriting_replaces_the_file;
            on_tokio creates_only_where_nothing_is;
            on_tokio of_many_creators_one_wins;
            on_tokio replaces_only_the_version_asked_for;
            on_tokio writes_a_stream_whole;
            on_tokio writes_a_stream_that_reads_here;
            without_runtime a_failed_stream_leaves_the_old_file;
            on_tokio copies_a_file;
            on_tokio removes_a_file;
            on_tokio the_root_is_no_file;
            on_tokio readers_see_the_old_or_the_new_file;
        }
        $crate::conformance! { @cases list, []
            on_tokio lists_one_level_in_order;
            on_tokio finds_every_file_below_a_prefix;
            on_tokio nothing_under_a_prefix_is_not_found;
            on_tokio a_file_has_nothing_under_it;
            without_runtime lists_more_than_a_page;
            on_tokio lists_a_name_as_it_stands;
            on_tokio a_listing_can_be_left_half_way;
        }
        $crate::conformance! { @cases close, []
            on_tokio a_call_after_close_is_refused;
            on_tokio a_call_that_has_not_started_is_refused;
            on_tokio close_lets_calls_finish;
            on_tokio close_cuts_what_outlasts_the_drain_time;
            on_tokio close_ends_a_half_read_stream;
            on_tokio close_ends_an_open_listing;
            on_tokio close_ends_an_upload_and_tidies_up;
            on_tokio close_ends_a_call_in_back_off;
            on_tokio close_may_be_called_by_many_and_again;
            on_tokio a_dropped_close_goes_on;
            without_runtime works_without_any_runtime;
            without_runtime closes_in_another_runtime;
            without_runtime closes_after_its_runtime_is_gone;
            without_runtime closes_while_its_runtime_is_idle;
            without_runtime closes_while_its_runtime_is_blocked;
            on_tokio the_report_says_what_was_done;
            on_tokio close_is_bounded;
            on_tokio closing_one_lease_leaves_the_other_working;
            on_tokio a_panic_in_a_producer_is_an_error_of_its_call;
        }
        $crate::conformance! { @cases nothing_left, [#[cfg_attr(not(target_os = "linux"), ignore = "needs /proc")]]
            in_child of_an_idle_session_nothing_is_left;
            in_child of_calls_that_hang_nothing_is_left;
            in_child of_a_half_read_stream_nothing_is_left;
            in_child of_a_session_dropped_unclosed_nothing_is_left;
            in_child of_many_sessions_nothing_is_left;
        }
    };
    (@cases $module:ident, $attributes:tt $($executor:ident $case:ident;)*) => {
        mod $module {
            $( $crate::conformance! { @case $module, $attributes $executor $case } )*
        }
    };
    (@case $module:ident, [$($attribute:tt)*] $executor:ident $case:ident) => {
                #[test]
                $($attribute)*
                fn $case() {
                    $crate::testing::$executor::<super::Backend>(
                        module_path!(),
                        stringify!($case),
                        async |case| $crate::testing::$module::$case(case).await,
                    );
                }
    };
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_case_is_in_the_list_and_runs_where_it_says() {
        let list = include_str!("cases.rs");
        let modules = [
            include_str!("read.rs"),
            include_str!("write.rs"),
            include_str!("list.rs"),
            include_str!("close.rs"),
            include_str!("nothing_left.rs"),
        ];
        let mut count = 0;
        for case in modules
            .iter()
            .flat_map(|module| module.split("pub async fn ").skip(1))
        {
            let name = case.split('<').next().unwrap();
            assert!(list.contains(&format!(" {name};")), "{name} is not run");
            count += 1;
        }
        assert!(count > 50, "only {count} cases were seen");
    }
}
