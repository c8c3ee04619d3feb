//! The table of pages.

use matchit::Router;
use std::sync::LazyLock;

use super::{
    account, alert, alerts, api_tokens, attachments, audit, browse, channels, commands, connection,
    dispatch::Route, enrolments, factors, hooks, hosts, jobs, maintenance, notification_routes,
    notifications, overview, pending_hosts, repositories, repository, repository_actions, rest_login,
    restore, retention_preview, schedules, search, session, sessions, settings, setup, silences, snapshots,
    sources, trends, users,
};

/// The page at a path, with the values of the braces in its address.
pub(crate) struct Found {
    pub(crate) route: &'static Route,
    pub(crate) parameters: Vec<(String, String)>,
}

/// Finds a page; what is none belongs to the API.
pub(crate) fn find(path: &str) -> Option<Found> {
    let found = ROUTER.at(path).ok()?;
    let parameters = found.params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Some(Found { route: &PAGES[*found.value], parameters })
}

static ROUTER: LazyLock<Router<usize>> = LazyLock::new(|| {
    let mut router = Router::new();
    for (index, route) in PAGES.iter().enumerate() {
        router.insert(route.path, index).expect("addresses are valid and distinct; a test finds each");
    }
    router
});

macro_rules! pages {
    ($($path:literal $(get $get:path)? $(, post $post:path)?;)*) => {
        &[$(Route { path: $path, get: pages!(@handler $($get)?), post: pages!(@handler $($post)?) }),*]
    };
    (@handler) => { None };
    (@handler $handler:path) => { Some(|cx| Box::pin($handler(cx))) };
}

static PAGES: &[Route] = pages! {
    "/" get overview::show;
    "/bootstrap" get session::bootstrap, post session::create_first_admin;
    "/login" get session::login, post session::sign_in;
    "/setup" get setup::show, post setup::submit;
    "/login/second" get session::start_again, post session::second_step;
    "/login/passkey" get session::start_again, post session::sign_in_with_passkey;
    "/logout" get session::sign_out_page, post session::sign_out;
    "/search" get search::show;
    "/hosts" get hosts::list;
    "/hosts/pending" get pending_hosts::list;
    "/hosts/pending/{pending_host}" get pending_hosts::show, post pending_hosts::accept;
    "/hosts/pending/{pending_host}/reject" get pending_hosts::show, post pending_hosts::reject;
    "/hosts/new" get enrolments::new, post enrolments::create;
    "/hosts/new/{enrolment}" get enrolments::show;
    "/enrolments/{enrolment}/script" get enrolments::back, post enrolments::script;
    "/enrolments/{enrolment}/reissue" get enrolments::back, post enrolments::reissue;
    "/enrolments/{enrolment}/withdraw" get enrolments::back, post enrolments::withdraw;
    "/hosts/{host}" get snapshots::list;
    "/hosts/{host}/snapshots/{repository}/{snapshot}" get browse::show;
    "/hosts/{host}/snapshots/{repository}/{snapshot}/search" get browse::search;
    "/hosts/{host}/snapshots/{repository}/{snapshot}/restore" get restore::form, post restore::submit;
    "/hosts/{host}/sources" get sources::list;
    "/hosts/{host}/sources/new" get sources::new, post sources::create;
    "/hosts/{host}/sources/new-command" get commands::new, post commands::create;
    "/hosts/{host}/hooks" get hooks::of_host, post hooks::set_of_host;
    "/hosts/{host}/hooks/remove" get hooks::of_host, post hooks::remove_of_host;
    "/sources/{group}/hooks" get hooks::of_group, post hooks::set_of_group;
    "/sources/{group}/hooks/remove" get hooks::of_group, post hooks::remove_of_group;
    "/sources/{group}/command" get commands::edit, post commands::update;
    "/sources/{group}" get sources::edit, post sources::update;
    "/sources/{group}/preview" get sources::edit, post retention_preview::preview;
    "/sources/{group}/retention" get sources::edit, post retention_preview::save;
    "/sources/{group}/delete" get sources::edit, post sources::delete;
    "/hosts/{host}/trends" get trends::of_host;
    "/hosts/{host}/schedules" get schedules::list;
    "/hosts/{host}/schedules/new" get schedules::new, post schedules::create;
    "/schedules/{schedule}" get schedules::edit, post schedules::update;
    "/schedules/{schedule}/run" get schedules::edit, post schedules::run;
    "/schedules/{schedule}/delete" get schedules::edit, post schedules::delete;
    "/hosts/{host}/repositories" get attachments::list, post attachments::attach;
    "/hosts/{host}/repositories/{repository}/remake" get attachments::list, post attachments::remake;
    "/hosts/{host}/repositories/{repository}/detach" get attachments::list, post attachments::detach;
    "/hosts/{host}/jobs" get jobs::of_host;
    "/hosts/{host}/settings" get hosts::settings, post hosts::update;
    "/hosts/{host}/token" get hosts::settings, post hosts::rotate_token;
    "/hosts/{host}/invite" get hosts::settings, post enrolments::invite_again;
    "/hosts/{host}/purge" get hosts::settings, post hosts::purge;
    "/hosts/{host}/delete" get hosts::settings, post hosts::delete;
    "/repositories" get repositories::list;
    "/repositories/new" get repositories::new, post repositories::create;
    "/repositories/login" get rest_login::form, post rest_login::create;
    "/repositories/test" get repositories::new, post connection::test_typed;
    "/repositories/{repository}" get repository::show, post repository::update;
    "/repositories/{repository}/password" get repository::show, post repository::set_password;
    "/repositories/{repository}/credentials/{slot}" get repository::show, post repository::set_credential;
    "/repositories/{repository}/upkeep" get repository::show, post repository_actions::set_upkeep;
    "/repositories/{repository}/upkeep/run" get repository::show, post repository_actions::run;
    "/repositories/{repository}/locks/remove" get repository::show, post repository_actions::remove_lock;
    "/repositories/{repository}/freezes" get repository::show, post repository_actions::freeze;
    "/repositories/{repository}/freezes/{freeze}/lift" get repository::show, post repository_actions::lift;
    "/repositories/{repository}/test" get repository::show, post connection::test_stored;
    "/repositories/{repository}/delete" get repository::show, post repository::delete;
    "/jobs" get jobs::list, post jobs::create;
    "/jobs/{job}" get jobs::show;
    "/jobs/{job}/preview" get retention_preview::show;
    "/jobs/{job}/cancel" get jobs::show, post jobs::cancel;
    "/alerts" get alerts::list;
    "/alerts/{alert}" get alert::show;
    "/alerts/{alert}/acknowledge" get alert::show, post alert::acknowledge;
    "/alerts/{alert}/resolve" get alert::show, post alerts::resolve;
    "/audit" get audit::list;
    "/audit/{sequence}" get audit::show;
    "/settings" get settings::show;
    "/settings/account" get account::show;
    "/settings/account/password" get account::show, post account::set_password;
    "/settings/sessions" get sessions::list;
    "/settings/sessions/end-others" get sessions::list, post sessions::end_others;
    "/settings/sessions/{session}/end" get sessions::list, post sessions::end;
    "/settings/users" get users::list;
    "/settings/users/new" get users::new, post users::create;
    "/settings/users/{user}" get users::show, post users::update;
    "/settings/users/{user}/end-sessions" get users::show, post users::end_sessions;
    "/settings/users/{user}/remove-factors" get users::show, post users::remove_factors;
    "/settings/users/{user}/setup-link" get users::show, post users::issue_link;
    "/settings/users/{user}/setup-link/withdraw" get users::show, post users::withdraw_link;
    "/settings/users/{user}/refuse" get users::show, post users::refuse;
    "/settings/users/{user}/allow" get users::show, post users::allow;
    "/settings/registration" get settings::show, post settings::set_registration;
    "/settings/theme" get settings::show, post settings::set_theme;
    "/settings/two-factor" get factors::show;
    "/settings/two-factor/app" get factors::offer_app, post factors::set_app;
    "/settings/two-factor/app/remove" get factors::show, post factors::remove_app;
    "/settings/two-factor/codes" get factors::show, post factors::renew_codes;
    "/settings/two-factor/passkeys" get factors::show, post factors::add_passkey;
    "/settings/two-factor/passkeys/{passkey}/remove" get factors::show, post factors::remove_passkey;
    "/settings/tokens" get api_tokens::list, post api_tokens::create;
    "/settings/tokens/{token}/revoke" get api_tokens::list, post api_tokens::revoke;
    "/settings/maintenance" get maintenance::list, post maintenance::create;
    "/settings/maintenance/{window}/end" get maintenance::list, post maintenance::end;
    "/settings/notifications" get notifications::show;
    "/settings/notifications/explain" get notifications::show, post notifications::explain;
    "/settings/notifications/channels/new" get channels::new, post channels::create;
    "/settings/notifications/channels/{channel}" get channels::show, post channels::update;
    "/settings/notifications/channels/{channel}/test" get channels::show, post notifications::test;
    "/settings/notifications/channels/{channel}/remove" get channels::show, post channels::remove;
    "/settings/notifications/routes/new" get notification_routes::new, post notification_routes::create;
    "/settings/notifications/routes/{route}" get notification_routes::show, post notification_routes::update;
    "/settings/notifications/routes/{route}/remove" get notification_routes::show, post notification_routes::remove;
    "/settings/notifications/silences/new" get silences::new, post silences::create;
    "/settings/notifications/silences/{silence}/end" get notifications::show, post notifications::end_silence;
    "/gallery" get settings::gallery;
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_finds_its_own_page() {
        for route in PAGES {
            let found = find(&route.path.replace(['{', '}'], "-"))
                .unwrap_or_else(|| panic!("{} is not found", route.path));
            assert_eq!(found.route.path, route.path);
            assert!(route.get.is_some(), "{} cannot be reloaded", route.path);
        }
    }

    #[test]
    fn programs_paths_are_not_pages() {
        for path in [
            "/api/v1/hosts",
            "/api/version",
            "/ws/agent",
            "/healthz",
            "/install/linux.sh",
            "/agent/binary",
            "/metrics",
            "/assets/x",
        ] {
            assert!(find(path).is_none(), "{path}");
        }
    }
}
