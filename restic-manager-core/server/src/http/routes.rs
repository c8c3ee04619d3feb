//! The table of routes: every way into the server, who may take it, and what it leaves in the audit log.

use restic_manager_proto::{
    api::{
        Endpoint, account, alerts, api_tokens, audit, channels, enrolments, events, factors, fleet, freezes,
        hooks, hosts, jobs, maintenance, pending_hosts, registration, repositories, restores, routes,
        schedules, server, session, setup, silences, snapshots, source_groups, upkeep, users,
    },
    vocabulary::{Action, Role},
};

use super::route::{
    Access::{Agent, Person, Public, Role as Needs, Scraper},
    Audited::{As, No},
    Route, routes as table,
};
use crate::{app, call::plain};

const READS: &str = "it only reads";

/// Every route.
pub const ROUTES: &[Route] = table! {
    plain::Health, Public, No(READS) => app::server::health;
    plain::Readiness, Public, No(READS) => app::server::readiness;
    server::Version, Public, No(READS) => app::server::version;
    server::OpenApi, Public, No(READS) => app::server::openapi;

    plain::Metrics, Scraper, No(READS) => app::metrics::own;
    plain::ExporterMetrics, Scraper, No(READS) => app::metrics::exporter;

    plain::LinuxInstaller, Public, No(READS) => app::install::linux;
    plain::AgentBinary, Public, No(READS) => app::install::binary;
    plain::AgentChecksum, Public, No(READS) => app::install::checksum;
    plain::AgentSocket, Agent, No("what an agent does there is audited by itself") => app::agent_sockets::of_host;
    plain::PendingAgentSocket, Agent, No("what is decided there is audited by itself") => app::agent_sockets::of_announced;

    server::Keeping, Needs(Role::Viewer), No(READS), Cut => app::server::keeping;
    server::BootstrapState, Public, No(READS) => app::bootstrap::state;
    server::CreateFirstAdmin, Public, As(Action::Bootstrap) => app::bootstrap::create;

    session::Create, Public, As(Action::Login) => app::session::create;
    session::SecondStep, Public, As(Action::Login) => app::session::second_step;
    session::OfferPasskey, Public, No(READS) => app::session::offer_passkey;
    session::CreateWithPasskey, Public, As(Action::Login) => app::session::create_with_passkey;
    session::Show, Needs(Role::Viewer), No(READS), Own => app::session::show;
    session::Delete, Person, As(Action::Logout), Own => app::session::delete;
    session::ShowProofs, Person, No(READS), Own => app::proof::show;
    session::Prove, Person, As(Action::Prove), Own => app::proof::prove;

    account::Show, Person, No(READS), Own => app::account::show;
    account::SetPassword, Person, As(Action::PasswordChange), Own, Recent => app::account::set_password;
    account::Sessions, Person, No(READS), Own => app::account::sessions;
    account::EndSession, Person, As(Action::SessionEnd), Own => app::account::end_session;
    account::EndOtherSessions, Person, As(Action::SessionEnd), Own => app::account::end_other_sessions;

    users::List, Needs(Role::Admin), No(READS) => app::users::list;
    users::Show, Needs(Role::Admin), No(READS) => app::users::show;
    users::Create, Needs(Role::Admin), As(Action::UserCreate), Recent => app::users::create;
    users::Update, Needs(Role::Admin), As(Action::UserUpdate), Recent => app::users::update;
    users::EndSessions, Needs(Role::Admin), As(Action::SessionEnd), Recent => app::users::end_sessions;
    users::IssueSetupLink, Needs(Role::Admin), As(Action::SetupLinkIssue), Recent => app::users::issue_setup_link;
    users::WithdrawSetupLink, Needs(Role::Admin), As(Action::SetupLinkWithdraw), Recent
        => app::users::withdraw_setup_link;

    setup::Check, Public, No("it changes nothing; the caller brings the token") => app::setup::check;
    setup::Finish, Public, As(Action::UserSetup) => app::setup::finish;

    factors::Show, Person, No(READS), Own => app::factors::show;
    factors::OfferTotp, Person, No(READS), Own => app::factors::offer_totp;
    factors::SetTotp, Person, As(Action::FactorAdd), Own, Recent => app::factors::set_totp;
    factors::RemoveTotp, Person, As(Action::FactorRemove), Own, Recent => app::factors::remove_totp;
    factors::RenewRecoveryCodes, Person, As(Action::FactorAdd), Own, Recent => app::factors::renew_recovery_codes;
    factors::OfferPasskey, Person, No(READS), Own => app::factors::offer_passkey;
    factors::AddPasskey, Person, As(Action::FactorAdd), Own, Recent => app::factors::add_passkey;
    factors::RemovePasskey, Person, As(Action::FactorRemove), Own, Recent => app::factors::remove_passkey;
    factors::Reset, Needs(Role::Admin), As(Action::FactorReset), Recent => app::factors::reset;

    api_tokens::List, Person, No(READS), Own => app::api_tokens::list;
    api_tokens::Create, Person, As(Action::ApiTokenCreate), Own, Recent => app::api_tokens::create;
    api_tokens::Revoke, Person, As(Action::ApiTokenRevoke), Own => app::api_tokens::revoke;

    fleet::Show, Needs(Role::Viewer), No(READS), Cut => app::fleet::show;
    events::Stream, Needs(Role::Viewer), No(READS), Cut => app::events::stream;

    hosts::List, Needs(Role::Viewer), No(READS), Cut => app::hosts::list;
    hosts::Show, Needs(Role::Viewer), No(READS) => app::hosts::show;
    hosts::Update, Needs(Role::Operator), As(Action::HostUpdate) => app::hosts::update;
    hosts::Delete, Needs(Role::Operator), As(Action::HostDelete), Recent => app::hosts::delete;
    hosts::Purge, Needs(Role::Admin), As(Action::HostPurge), Fleet, Recent => app::hosts::purge;
    hosts::RotateToken, Needs(Role::Operator), As(Action::AgentTokenRotate) => app::hosts::rotate_token;
    hosts::Invite, Needs(Role::Admin), As(Action::HostInvite), Recent => app::enrolments::invite_again;
    hosts::Statistics, Needs(Role::Viewer), No(READS) => app::statistics::of_host;
    hosts::Attachments, Needs(Role::Viewer), No(READS) => app::attachments::list;
    hosts::Attach, Needs(Role::Operator), As(Action::AttachmentSet), Recent => app::attachments::set;
    hosts::Remake, Needs(Role::Admin), As(Action::RepositoryRemake), Fleet, Recent => app::attachments::remake;
    hosts::Detach, Needs(Role::Operator), As(Action::AttachmentDelete) => app::attachments::delete;

    enrolments::List, Needs(Role::Viewer), No(READS), Cut => app::enrolments::list;
    enrolments::Show, Needs(Role::Viewer), No(READS) => app::enrolments::show;
    enrolments::Create, Needs(Role::Operator), As(Action::EnrolmentCreate), Cut, Recent => app::enrolments::create;
    enrolments::Reissue, Needs(Role::Operator), As(Action::EnrolmentReissue) => app::enrolments::reissue;
    enrolments::Delete, Needs(Role::Operator), As(Action::EnrolmentRevoke) => app::enrolments::delete;
    enrolments::Script, Needs(Role::Operator), No("it changes nothing; the caller brings the token")
        => app::enrolments::script;

    pending_hosts::List, Needs(Role::Admin), No(READS) => app::pending_hosts::list;
    pending_hosts::Show, Needs(Role::Admin), No("that an admin has looked is kept with the announced host")
        => app::pending_hosts::show;
    pending_hosts::Accept, Needs(Role::Admin), As(Action::PendingHostAccept), Recent => app::pending_hosts::accept;
    pending_hosts::Reject, Needs(Role::Admin), As(Action::PendingHostReject) => app::pending_hosts::reject;

    registration::Show, Needs(Role::Admin), No(READS) => app::registration::show;
    registration::Update, Needs(Role::Admin), As(Action::RegistrationUpdate), Recent => app::registration::update;

    repositories::List, Needs(Role::Viewer), No(READS), Cut => app::repositories::list;
    repositories::Show, Needs(Role::Viewer), No(READS) => app::repositories::show;
    repositories::Create, Needs(Role::Admin), As(Action::RepositoryCreate), Recent => app::repositories::create;
    repositories::Update, Needs(Role::Admin), As(Action::RepositoryUpdate), Fleet, Recent => app::repositories::update;
    repositories::Delete, Needs(Role::Admin), As(Action::RepositoryDelete), Fleet, Recent => app::repositories::delete;
    repositories::SetPassword, Needs(Role::Admin), As(Action::RepositoryCredentialSet), Fleet, Recent
        => app::repositories::set_password;
    repositories::SetCredential, Needs(Role::Admin), As(Action::RepositoryCredentialSet), Fleet, Recent
        => app::repositories::set_credential;
    repositories::Attachments, Needs(Role::Viewer), No(READS) => app::repositories::attachments;
    repositories::Statistics, Needs(Role::Viewer), No(READS) => app::statistics::show;
    repositories::MakeLogin, Needs(Role::Admin), No("it changes nothing; it makes a password and its hash"), Cut
        => app::rest_logins::create;
    repositories::Test, Needs(Role::Admin), As(Action::JobCreate), Fleet, Recent => app::connection_tests::create;
    upkeep::Show, Needs(Role::Viewer), No(READS) => app::upkeep::show;
    upkeep::Set, Needs(Role::Admin), As(Action::UpkeepUpdate), Fleet, Recent => app::upkeep::set;
    upkeep::Run, Needs(Role::Operator), As(Action::JobCreate), Fleet, Recent => app::upkeep::run;
    freezes::List, Needs(Role::Viewer), No(READS) => app::freezes::list;
    freezes::Create, Needs(Role::Operator), As(Action::FreezeCreate), Fleet => app::freezes::create;
    freezes::Lift, Needs(Role::Admin), As(Action::FreezeLift), Fleet, Recent => app::freezes::lift;

    source_groups::List, Needs(Role::Viewer), No(READS) => app::source_groups::list;
    source_groups::Show, Needs(Role::Viewer), No(READS) => app::source_groups::show;
    source_groups::Create, Needs(Role::Operator), As(Action::SourceGroupCreate) => app::source_groups::create;
    source_groups::CreateFromCommand, Needs(Role::Admin), As(Action::SourceGroupCreate), Recent
        => app::source_groups::create_from_command;
    source_groups::ShowCommand, Needs(Role::Viewer), No(READS) => app::source_groups::show_command;
    source_groups::SetCommand, Needs(Role::Admin), As(Action::SourceGroupUpdate), Recent
        => app::source_groups::set_command;
    source_groups::Update, Needs(Role::Operator), As(Action::SourceGroupUpdate) => app::source_groups::update;
    source_groups::Delete, Needs(Role::Operator), As(Action::SourceGroupDelete) => app::source_groups::delete;
    source_groups::PreviewRetention, Needs(Role::Operator), As(Action::JobCreate) => app::previews::create;

    hooks::ShowOfHost, Needs(Role::Admin), No(READS), Recent => app::hooks::show_of_host;
    hooks::SetOfHost, Needs(Role::Admin), As(Action::HooksSet), Recent => app::hooks::set_of_host;
    hooks::RemoveOfHost, Needs(Role::Admin), As(Action::HooksRemove), Recent => app::hooks::remove_of_host;
    hooks::ShowOfGroup, Needs(Role::Admin), No(READS), Recent => app::hooks::show_of_group;
    hooks::SetOfGroup, Needs(Role::Admin), As(Action::HooksSet), Recent => app::hooks::set_of_group;
    hooks::RemoveOfGroup, Needs(Role::Admin), As(Action::HooksRemove), Recent => app::hooks::remove_of_group;

    schedules::List, Needs(Role::Viewer), No(READS) => app::schedules::list;
    schedules::Show, Needs(Role::Viewer), No(READS) => app::schedules::show;
    schedules::Create, Needs(Role::Operator), As(Action::ScheduleCreate) => app::schedules::create;
    schedules::Update, Needs(Role::Operator), As(Action::ScheduleUpdate) => app::schedules::update;
    schedules::Delete, Needs(Role::Operator), As(Action::ScheduleDelete) => app::schedules::delete;
    schedules::Preview, Needs(Role::Viewer), No("it changes nothing; it computes times"), Cut
        => app::schedules::preview;
    schedules::Zones, Needs(Role::Viewer), No(READS), Cut => app::schedules::zones;

    jobs::List, Needs(Role::Viewer), No(READS), Cut => app::jobs::list;
    jobs::Show, Needs(Role::Viewer), No(READS) => app::jobs::show;
    jobs::Create, Needs(Role::Operator), As(Action::JobCreate), Cut => app::jobs::create;
    jobs::Cancel, Needs(Role::Operator), As(Action::JobCancel) => app::jobs::cancel;
    jobs::Preview, Needs(Role::Viewer), No(READS) => app::previews::show;
    jobs::Log, Needs(Role::Viewer), No(READS) => app::jobs::download;
    jobs::Stream, Needs(Role::Viewer), No(READS) => app::jobs::stream;

    restores::Create, Needs(Role::Operator), As(Action::RestoreCreate) => app::restores::create;
    restores::Plan, Needs(Role::Operator), No("it changes nothing; an agent looks at its disk")
        => app::restores::plan;

    snapshots::List, Needs(Role::Viewer), No(READS) => app::snapshots::list;
    snapshots::Show, Needs(Role::Viewer), No(READS) => app::snapshots::show;
    snapshots::Folder, Needs(Role::Operator), No(READS) => app::browse::folder;
    snapshots::Search, Needs(Role::Operator), No(READS) => app::browse::search;
    alerts::List, Needs(Role::Viewer), No(READS), Cut => app::alerts::list;
    alerts::Show, Needs(Role::Viewer), No(READS) => app::alerts::show;
    alerts::Acknowledge, Needs(Role::Operator), As(Action::AlertAcknowledge) => app::alerts::acknowledge;
    alerts::Resolve, Needs(Role::Operator), As(Action::AlertResolve) => app::alerts::resolve;

    maintenance::List, Needs(Role::Viewer), No(READS), Cut => app::maintenance::list;
    maintenance::Show, Needs(Role::Viewer), No(READS) => app::maintenance::show;
    maintenance::Create, Needs(Role::Operator), As(Action::MaintenanceCreate), Cut => app::maintenance::create;
    maintenance::End, Needs(Role::Operator), As(Action::MaintenanceEnd) => app::maintenance::end;

    channels::Kinds, Needs(Role::Admin), No(READS) => app::channels::kinds;
    channels::List, Needs(Role::Admin), No(READS) => app::channels::list;
    channels::Show, Needs(Role::Admin), No(READS) => app::channels::show;
    channels::Create, Needs(Role::Admin), As(Action::ChannelCreate), Recent => app::channels::create;
    channels::Update, Needs(Role::Admin), As(Action::ChannelUpdate), Recent => app::channels::update;
    channels::Delete, Needs(Role::Admin), As(Action::ChannelDelete), Recent => app::channels::delete;
    channels::Test, Needs(Role::Admin), As(Action::ChannelTest) => app::channels::test;
    channels::Deliveries, Needs(Role::Admin), No(READS) => app::channels::deliveries;

    routes::List, Needs(Role::Admin), No(READS) => app::routes::list;
    routes::Show, Needs(Role::Admin), No(READS) => app::routes::show;
    routes::Create, Needs(Role::Admin), As(Action::RouteCreate) => app::routes::create;
    routes::Update, Needs(Role::Admin), As(Action::RouteUpdate) => app::routes::update;
    routes::Delete, Needs(Role::Admin), As(Action::RouteDelete) => app::routes::delete;
    routes::Explain, Needs(Role::Admin), No("it changes nothing; it says who would be told")
        => app::routes::explain;

    silences::List, Needs(Role::Operator), No(READS) => app::silences::list;
    silences::Create, Needs(Role::Operator), As(Action::SilenceCreate) => app::silences::create;
    silences::End, Needs(Role::Operator), As(Action::SilenceEnd) => app::silences::end;

    audit::List, Needs(Role::Admin), No(READS) => app::audit::list;
    audit::Show, Needs(Role::Admin), No(READS) => app::audit::show;
    audit::State, Needs(Role::Admin), No(READS) => app::audit::state;
    audit::Export, Needs(Role::Admin), No(READS) => app::audit::export;
};
