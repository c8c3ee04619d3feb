//! The accessors of [`Read`](crate::Read) and [`Transaction`](crate::Transaction), for a backend that has one field which
//! implements every noun.

macro_rules! query_accessors {
    ($field:tt) => {
        fn enrolments(&mut self) -> &mut dyn crate::enrolments::EnrolmentQueries {
            &mut self.$field
        }
        fn hosts(&mut self) -> &mut dyn crate::hosts::HostQueries {
            &mut self.$field
        }
        fn pending_hosts(&mut self) -> &mut dyn crate::pending_hosts::PendingHostQueries {
            &mut self.$field
        }
        fn repositories(&mut self) -> &mut dyn crate::repositories::RepositoryQueries {
            &mut self.$field
        }
        fn attachments(&mut self) -> &mut dyn crate::attachments::AttachmentQueries {
            &mut self.$field
        }
        fn sources(&mut self) -> &mut dyn crate::sources::SourceGroupQueries {
            &mut self.$field
        }
        fn schedules(&mut self) -> &mut dyn crate::schedules::ScheduleQueries {
            &mut self.$field
        }
        fn jobs(&mut self) -> &mut dyn crate::jobs::JobQueries {
            &mut self.$field
        }
        fn hooks(&mut self) -> &mut dyn crate::hooks::HookQueries {
            &mut self.$field
        }
        fn leases(&mut self) -> &mut dyn crate::leases::LeaseQueries {
            &mut self.$field
        }
        fn upkeep(&mut self) -> &mut dyn crate::upkeep::UpkeepQueries {
            &mut self.$field
        }
        fn logs(&mut self) -> &mut dyn crate::logs::LogQueries {
            &mut self.$field
        }
        fn snapshots(&mut self) -> &mut dyn crate::snapshots::SnapshotQueries {
            &mut self.$field
        }
        fn measurements(&mut self) -> &mut dyn crate::measurements::MeasurementQueries {
            &mut self.$field
        }
        fn previews(&mut self) -> &mut dyn crate::previews::PreviewQueries {
            &mut self.$field
        }
        fn drafts(&mut self) -> &mut dyn crate::drafts::DraftQueries {
            &mut self.$field
        }
        fn users(&mut self) -> &mut dyn crate::users::UserQueries {
            &mut self.$field
        }
        fn factors(&mut self) -> &mut dyn crate::factors::FactorQueries {
            &mut self.$field
        }
        fn api_tokens(&mut self) -> &mut dyn crate::api_tokens::ApiTokenQueries {
            &mut self.$field
        }
        fn sessions(&mut self) -> &mut dyn crate::sessions::SessionQueries {
            &mut self.$field
        }
        fn setup_links(&mut self) -> &mut dyn crate::setup_links::SetupLinkQueries {
            &mut self.$field
        }
        fn limits(&mut self) -> &mut dyn crate::limits::LimitQueries {
            &mut self.$field
        }
        fn bootstrap(&mut self) -> &mut dyn crate::bootstrap::BootstrapQueries {
            &mut self.$field
        }
        fn audit(&mut self) -> &mut dyn crate::audit::AuditQueries {
            &mut self.$field
        }
        fn replies(&mut self) -> &mut dyn crate::replies::ReplyQueries {
            &mut self.$field
        }
        fn alerts(&mut self) -> &mut dyn crate::alerts::AlertQueries {
            &mut self.$field
        }
        fn checkpoints(&mut self) -> &mut dyn crate::checkpoints::CheckpointQueries {
            &mut self.$field
        }
        fn sealed(&mut self) -> &mut dyn crate::sealed::SealedQueries {
            &mut self.$field
        }
        fn meta(&mut self) -> &mut dyn crate::meta::MetaQueries {
            &mut self.$field
        }
    };
}

macro_rules! change_accessors {
    ($field:tt) => {
        fn enrolments(&mut self) -> &mut dyn crate::enrolments::Enrolments {
            &mut self.$field
        }
        fn hosts(&mut self) -> &mut dyn crate::hosts::Hosts {
            &mut self.$field
        }
        fn pending_hosts(&mut self) -> &mut dyn crate::pending_hosts::PendingHosts {
            &mut self.$field
        }
        fn repositories(&mut self) -> &mut dyn crate::repositories::Repositories {
            &mut self.$field
        }
        fn attachments(&mut self) -> &mut dyn crate::attachments::Attachments {
            &mut self.$field
        }
        fn sources(&mut self) -> &mut dyn crate::sources::SourceGroups {
            &mut self.$field
        }
        fn schedules(&mut self) -> &mut dyn crate::schedules::Schedules {
            &mut self.$field
        }
        fn jobs(&mut self) -> &mut dyn crate::jobs::Jobs {
            &mut self.$field
        }
        fn hooks(&mut self) -> &mut dyn crate::hooks::HookChanges {
            &mut self.$field
        }
        fn leases(&mut self) -> &mut dyn crate::leases::Leases {
            &mut self.$field
        }
        fn upkeep(&mut self) -> &mut dyn crate::upkeep::Upkeep {
            &mut self.$field
        }
        fn logs(&mut self) -> &mut dyn crate::logs::Logs {
            &mut self.$field
        }
        fn snapshots(&mut self) -> &mut dyn crate::snapshots::Snapshots {
            &mut self.$field
        }
        fn measurements(&mut self) -> &mut dyn crate::measurements::Measurements {
            &mut self.$field
        }
        fn previews(&mut self) -> &mut dyn crate::previews::Previews {
            &mut self.$field
        }
        fn drafts(&mut self) -> &mut dyn crate::drafts::Drafts {
            &mut self.$field
        }
        fn users(&mut self) -> &mut dyn crate::users::Users {
            &mut self.$field
        }
        fn factors(&mut self) -> &mut dyn crate::factors::Factors {
            &mut self.$field
        }
        fn api_tokens(&mut self) -> &mut dyn crate::api_tokens::ApiTokens {
            &mut self.$field
        }
        fn sessions(&mut self) -> &mut dyn crate::sessions::Sessions {
            &mut self.$field
        }
        fn setup_links(&mut self) -> &mut dyn crate::setup_links::SetupLinks {
            &mut self.$field
        }
        fn limits(&mut self) -> &mut dyn crate::limits::Limits {
            &mut self.$field
        }
        fn bootstrap(&mut self) -> &mut dyn crate::bootstrap::Bootstraps {
            &mut self.$field
        }
        fn audit(&mut self) -> &mut dyn crate::audit::AuditQueries {
            &mut self.$field
        }
        fn replies(&mut self) -> &mut dyn crate::replies::Replies {
            &mut self.$field
        }
        fn alerts(&mut self) -> &mut dyn crate::alerts::Alerts {
            &mut self.$field
        }
        fn checkpoints(&mut self) -> &mut dyn crate::checkpoints::Checkpoints {
            &mut self.$field
        }
        fn sealed(&mut self) -> &mut dyn crate::sealed::Sealing {
            &mut self.$field
        }
        fn meta(&mut self) -> &mut dyn crate::meta::Meta {
            &mut self.$field
        }
    };
}

pub(crate) use {change_accessors, query_accessors};
