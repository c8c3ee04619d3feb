use proptest::{collection, option, prelude::*, sample};
use restic_manager_proto::{
    ChannelId, HostId, Matcher, RepositoryId, RouteId, RouteRule, Scope,
    vocabulary::{AlertKind, NoticeKind, Severity, Timing},
};
use std::collections::BTreeSet;

use super::at;
use crate::notify::{Decision, Facts, Muted, Route, Verdict, decide, matches};

fn channel(number: u8) -> ChannelId {
    ChannelId::from_bytes([number; 16])
}

fn rule(matcher: Matcher, channels: &[u8]) -> RouteRule {
    RouteRule {
        matcher,
        channels: channels.iter().map(|number| channel(*number)).collect(),
        timing: Timing::Now,
        resolved: true,
        reminders: true,
        goes_on: false,
        quiet: None,
        zone: "UTC".to_owned(),
        digest_at: "07:00".to_owned(),
    }
}

fn route(number: u8, rule: RouteRule) -> Route {
    Route { id: Some(RouteId::from_bytes([number; 16])), rule }
}

fn facts() -> Facts {
    Facts {
        event: NoticeKind::Raised,
        kind: AlertKind::CheckFailed,
        severity: Severity::Warning,
        hosts: vec![(HostId::from_bytes([1; 16]), vec!["berlin".to_owned()])],
        repositories: BTreeSet::from([RepositoryId::from_bytes([1; 16])]),
        maintenance: false,
        about_channel: None,
    }
}

fn told(decision: &Decision) -> Vec<ChannelId> {
    decision.told.iter().map(|told| told.channel).collect()
}

#[test]
fn routes_are_asked_in_order_until_one_ends_it() {
    let critical = Matcher { severity: Severity::Critical, ..Matcher::default() };
    let mut passing = rule(Matcher::default(), &[2]);
    passing.goes_on = true;
    let routes = [
        route(1, rule(critical, &[1])),
        route(2, passing),
        route(3, rule(Matcher::default(), &[3, 2])),
        route(4, rule(Matcher::default(), &[4])),
    ];
    let decision = decide(&routes, &[], &facts(), at(0));
    assert_eq!(told(&decision), [channel(2), channel(3)], "and each channel once");
    assert_eq!(
        decision.verdicts,
        [Verdict::Severity, Verdict::Told(None), Verdict::Told(None), Verdict::Before]
    );
}

#[test]
fn a_silence_and_maintenance_mute_what_begins_and_not_that_it_is_over() {
    let routes = [route(1, rule(Matcher::default(), &[1]))];
    let silence = [Matcher { scope: Scope::tags(["berlin"]), ..Matcher::default() }];
    let decision = decide(&routes, &silence, &facts(), at(0));
    assert_eq!((decision.muted, decision.told.len()), (Some(Muted::Silence), 0));
    let over = Facts { event: NoticeKind::Resolved, ..facts() };
    assert_eq!(told(&decide(&routes, &silence, &over, at(0))), [channel(1)]);
    let maintained = Facts { maintenance: true, ..facts() };
    assert_eq!(decide(&routes, &[], &maintained, at(0)).muted, Some(Muted::Maintenance));
    let elsewhere = [Matcher { scope: Scope::tags(["paris"]), ..Matcher::default() }];
    assert_eq!(decide(&routes, &elsewhere, &facts(), at(0)).muted, None);
}

#[test]
fn a_channel_does_not_tell_of_itself() {
    let routes = [route(1, rule(Matcher::default(), &[1, 2]))];
    let failing = Facts { about_channel: Some(channel(1)), ..facts() };
    assert_eq!(told(&decide(&routes, &[], &failing, at(0))), [channel(2)]);
}

#[test]
fn routes_choose_what_they_tell() {
    let mut quiet = rule(Matcher::default(), &[1]);
    (quiet.resolved, quiet.reminders) = (false, false);
    let ask = |event| decide(&[route(1, quiet.clone())], &[], &Facts { event, ..facts() }, at(0)).verdicts[0];
    assert_eq!(ask(NoticeKind::Resolved), Verdict::NotResolved);
    assert_eq!(ask(NoticeKind::Reminder), Verdict::NoReminders);
    let daily = RouteRule { timing: Timing::Daily, ..rule(Matcher::default(), &[1]) };
    let Verdict::Told(Some(at_seven)) = decide(&[route(1, daily)], &[], &facts(), at(0)).verdicts[0] else {
        panic!()
    };
    assert!(at_seven > at(0));
}

#[test]
fn each_part_of_a_matcher_is_asked() {
    let other_host = Scope::hosts([HostId::from_bytes([9; 16])]);
    for (matcher, expected) in [
        (Matcher::default(), None),
        (Matcher { severity: Severity::Critical, ..Matcher::default() }, Some(Verdict::Severity)),
        (
            Matcher { kinds: BTreeSet::from([AlertKind::PruneFailed]), ..Matcher::default() },
            Some(Verdict::Kind),
        ),
        (Matcher { kinds: BTreeSet::from([AlertKind::CheckFailed]), ..Matcher::default() }, None),
        (Matcher { scope: other_host, ..Matcher::default() }, Some(Verdict::Scope)),
        (Matcher { scope: Scope::tags(["berlin"]), ..Matcher::default() }, None),
        (
            Matcher {
                repositories: BTreeSet::from([RepositoryId::from_bytes([1; 16])]),
                ..Matcher::default()
            },
            None,
        ),
        (
            Matcher {
                repositories: BTreeSet::from([RepositoryId::from_bytes([2; 16])]),
                ..Matcher::default()
            },
            Some(Verdict::Repository),
        ),
    ] {
        assert_eq!(matches(&matcher, &facts()), expected, "{matcher:?}");
    }
    let of_server = Facts { hosts: vec![], ..facts() };
    let berlin = Matcher { scope: Scope::tags(["berlin"]), ..Matcher::default() };
    assert_eq!(
        matches(&berlin, &of_server),
        Some(Verdict::Scope),
        "what concerns no host is of the whole fleet"
    );
}

fn any_matcher() -> impl Strategy<Value = Matcher> {
    let scope = prop_oneof![
        Just(Scope::All),
        sample::select(vec!["berlin", "paris"]).prop_map(|tag| Scope::tags([tag])),
        (0_u8..3).prop_map(|host| Scope::hosts([HostId::from_bytes([host; 16])])),
    ];
    let kinds = collection::btree_set(sample::select(AlertKind::ALL.to_vec()), 0..3);
    let repositories =
        collection::btree_set((0_u8..3).prop_map(|one| RepositoryId::from_bytes([one; 16])), 0..2);
    (sample::select(Severity::ALL.to_vec()), kinds, scope, repositories)
        .prop_map(|(severity, kinds, scope, repositories)| Matcher { severity, kinds, scope, repositories })
}

fn any_routes() -> impl Strategy<Value = Vec<Route>> {
    let one = (
        any_matcher(),
        collection::vec(0_u8..5, 1..4),
        any::<[bool; 3]>(),
        sample::select(Timing::ALL.to_vec()),
    );
    let one = one.prop_map(|(matcher, channels, [resolved, reminders, goes_on], timing)| RouteRule {
        resolved,
        reminders,
        goes_on,
        timing,
        ..rule(matcher, &channels)
    });
    collection::vec(one, 0..6).prop_map(|rules| {
        rules.into_iter().enumerate().map(|(number, rule)| route(number as u8, rule)).collect()
    })
}

fn any_facts() -> impl Strategy<Value = Facts> {
    let hosts =
        collection::vec(((0_u8..3), collection::vec(sample::select(vec!["berlin", "paris"]), 0..2)), 0..3);
    let repositories =
        collection::btree_set((0_u8..3).prop_map(|one| RepositoryId::from_bytes([one; 16])), 0..2);
    let kind = sample::select(AlertKind::ALL.to_vec());
    let severity = sample::select(Severity::ALL.to_vec());
    let event = sample::select(vec![NoticeKind::Raised, NoticeKind::Resolved, NoticeKind::Reminder]);
    (hosts, repositories, kind, severity, event, any::<bool>(), option::of(0_u8..5)).prop_map(
        |(hosts, repositories, kind, severity, event, maintenance, about)| Facts {
            event,
            kind,
            severity,
            hosts: hosts
                .into_iter()
                .map(|(host, tags)| {
                    (HostId::from_bytes([host; 16]), tags.into_iter().map(str::to_owned).collect())
                })
                .collect(),
            repositories,
            maintenance,
            about_channel: about.map(channel),
        },
    )
}

proptest! {
    #[test]
    fn a_channel_is_told_once_by_a_route_that_names_it_and_matches(
        routes in any_routes(),
        silences in collection::vec(any_matcher(), 0..2),
        facts in any_facts(),
    ) {
        let decision = decide(&routes, &silences, &facts, at(0));
        prop_assert_eq!(decision.verdicts.len(), routes.len());
        let channels: BTreeSet<_> = told(&decision).into_iter().collect();
        prop_assert_eq!(channels.len(), decision.told.len());
        for told in &decision.told {
            let route = routes.iter().find(|route| route.id == told.route).unwrap();
            prop_assert!(route.rule.channels.contains(&told.channel));
            prop_assert_eq!(matches(&route.rule.matcher, &facts), None);
            prop_assert_ne!(Some(told.channel), facts.about_channel);
            prop_assert!(told.not_before.is_none_or(|moment| moment > at(0)));
        }
        let silenced = silences.iter().any(|silence| matches(silence, &facts).is_none());
        if facts.event != NoticeKind::Resolved && (silenced || facts.maintenance) {
            prop_assert!(decision.told.is_empty());
        }
    }

    #[test]
    fn a_route_for_everything_at_the_end_leaves_nobody_untold(mut routes in any_routes(), facts in any_facts()) {
        for route in &mut routes {
            route.rule.goes_on = true;
        }
        routes.push(route(9, rule(Matcher::default(), &[8])));
        let decision = decide(&routes, &[], &Facts { maintenance: false, ..facts }, at(0));
        prop_assert!(told(&decision).contains(&channel(8)));
    }
}
