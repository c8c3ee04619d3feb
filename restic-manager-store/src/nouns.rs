//! The nouns of the store, one line each: the accessor, what reads give and what transactions give.

/// Hands the table to another macro, after whatever that one wants first.
macro_rules! nouns {
    ($then:ident $($first:tt)*) => {
        $then! { $($first)*;
            /// Invitations to enrol.
            enrolments: EnrolmentQueries, Enrolments;
            /// Hosts that announced themselves.
            pending_hosts: PendingHostQueries, PendingHosts;
            /// Machines with an agent.
            hosts: HostQueries, Hosts;
            /// Repositories.
            repositories: RepositoryQueries, Repositories;
            /// Which host uses which repository.
            attachments: AttachmentQueries, Attachments;
            /// What is backed up.
            sources: SourceGroupQueries, SourceGroups;
            /// What of their snapshots and data must not be removed.
            freezes: FreezeQueries, Freezes;
            /// What runs around it.
            hooks: HookQueries, HookChanges;
            /// When.
            schedules: ScheduleQueries, Schedules;
            /// Executions.
            jobs: JobQueries, Jobs;
            /// Rights to use a repository.
            leases: LeaseQueries, Leases;
            /// Their logs.
            logs: LogQueries, Logs;
            /// What listings showed.
            snapshots: SnapshotQueries, Snapshots;
            /// What keeps repositories small and healthy.
            upkeep: UpkeepQueries, Upkeep;
            /// What repositories held, day by day.
            measurements: MeasurementQueries, Measurements;
            /// What backups came to, day by day.
            backup_days: BackupDayQueries, BackupDays;
            /// What retention policies that were tried would do.
            previews: PreviewQueries, Previews;
            /// What jobs try before anybody keeps it.
            drafts: DraftQueries, Drafts;
            /// People.
            users: UserQueries, Users;
            /// Their factors besides the password.
            factors: FactorQueries, Factors;
            /// Their programs' tokens.
            api_tokens: ApiTokenQueries, ApiTokens;
            /// Their logins.
            sessions: SessionQueries, Sessions;
            /// Links by which people set their password.
            setup_links: SetupLinkQueries, SetupLinks;
            /// How much of each allowance is used up.
            limits: LimitQueries, Limits;
            /// The token that makes the first admin.
            bootstrap: BootstrapQueries, Bootstraps;
            /// Who did what. Entries are added by [`Transaction::commit`](crate::Transaction::commit) alone.
            audit: AuditQueries, AuditQueries;
            /// Signed marks in the audit log.
            checkpoints: CheckpointQueries, Checkpoints;
            /// Every sealed secret alike, for sealing them anew.
            sealed: SealedQueries, Sealing;
            /// Answers kept for repeated requests.
            replies: ReplyQueries, Replies;
            /// What needs somebody.
            alerts: AlertQueries, Alerts;
            /// Times in which it is known why hosts are silent.
            maintenance: MaintenanceQueries, Maintenance;
            /// Where notifications go.
            channels: ChannelQueries, Channels;
            /// Which alerts go where.
            routes: RouteQueries, Routes;
            /// Times in which nobody is told.
            silences: SilenceQueries, Silences;
            /// What is to be told, and what was.
            deliveries: DeliveryQueries, Deliveries;
            /// What a monitoring system is told of.
            metrics: MetricQueries, MetricQueries;
            /// Facts about the database itself.
            meta: MetaQueries, Meta;
        }
    };
}

/// The accessors of a trait: its items before and after them are its own.
macro_rules! declare {
    (
        queries { $($head:tt)* };
        $($(#[$doc:meta])* $noun:ident: $queries:ident, $changes:ident;)*
    ) => {
        $($head)* { $($(#[$doc])* fn $noun(&mut self) -> &mut dyn $crate::$noun::$queries;)* }
    };
    (
        changes { $($head:tt)* } { $($tail:tt)* };
        $($(#[$doc:meta])* $noun:ident: $queries:ident, $changes:ident;)*
    ) => {
        $($head)* {
            $($(#[$doc])* fn $noun(&mut self) -> &mut dyn $crate::$noun::$changes;)*
            $($tail)*
        }
    };
}

/// The accessors of a backend of which one value implements every noun.
macro_rules! accessors {
    (queries; $($(#[$doc:meta])* $noun:ident: $queries:ident, $changes:ident;)*) => {
        $(fn $noun(&mut self) -> &mut dyn $crate::$noun::$queries { self })*
    };
    (changes; $($(#[$doc:meta])* $noun:ident: $queries:ident, $changes:ident;)*) => {
        $(fn $noun(&mut self) -> &mut dyn $crate::$noun::$changes { self })*
    };
    (changes $field:ident; $($(#[$doc:meta])* $noun:ident: $queries:ident, $changes:ident;)*) => {
        $(fn $noun(&mut self) -> &mut dyn $crate::$noun::$changes { &mut self.$field })*
    };
}

pub(crate) use {accessors, declare, nouns};
