//! The last day of an account's tokens, out of the record of activity: pure rules.

use jiff::{SignedDuration, Timestamp};
use keybearer_protocol::activity::{ActivityEntry, ActivityKind};
use keybearer_protocol::timeline::{Span, Timeline};

/// How far it goes back.
const BACK: SignedDuration = SignedDuration::from_hours(24);
/// How far it looks ahead.
const AHEAD: SignedDuration = SignedDuration::from_hours(2);
/// The most of a kind that it names: with shorter-lived tokens than that, neighbours are one.
const LIMIT: usize = 250;

/// What the account has now.
#[derive(Clone, Copy, Debug, Default)]
pub struct Present {
    /// When its token came.
    pub received_at: Option<Timestamp>,
    /// When that ends, if that is known.
    pub expires_at: Option<Timestamp>,
    /// When it is renewed, if it is.
    pub renews_at: Option<Timestamp>,
}

/// The kinds of rows about an account that it is made of.
pub const KINDS: [ActivityKind; 5] = [
    ActivityKind::SignedIn,
    ActivityKind::TokenRefreshed,
    ActivityKind::RefreshFailed,
    ActivityKind::SignedOut,
    ActivityKind::AccountRemoved,
];

/// Where the timeline begins that ends at this moment.
pub fn since(now: Timestamp) -> Timestamp {
    now.checked_sub(BACK).unwrap_or(Timestamp::MIN)
}

/// The timeline at this moment: of rows about the account, of sleeps, both the oldest first, and of what it has now.
pub fn timeline(rows: &[ActivityEntry], sleeps: &[ActivityEntry], present: Present, now: Timestamp) -> Timeline {
    let (since, horizon) = (since(now), now.checked_add(AHEAD).unwrap_or(Timestamp::MAX));
    let within = |span: Span| {
        let span = Span { from: span.from.max(since), until: span.until.min(horizon) };
        (span.from < span.until).then_some(span)
    };
    let failed = rows.iter().filter(|row| row.kind == ActivityKind::RefreshFailed && row.at >= since);
    let retried: Vec<Timestamp> = failed.map(|row| row.at).collect();
    let asleep = sleeps.iter().filter_map(|row| within(Span { from: row.at, until: row.until? }));
    Timeline {
        since,
        valid: bounded(tokens(rows, present).into_iter().filter_map(within).collect()),
        retried: retried[retried.len().saturating_sub(LIMIT)..].to_vec(),
        asleep: bounded(asleep.collect()),
        next: next(present).filter(|next| next.from > now).and_then(within),
    }
}

/// When there was a token: each from its coming to its end, or to the coming of the next one.
fn tokens(rows: &[ActivityEntry], present: Present) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for row in rows {
        let has_come = matches!(row.kind, ActivityKind::SignedIn | ActivityKind::TokenRefreshed);
        if !has_come && row.kind == ActivityKind::RefreshFailed {
            continue;
        }
        if let Some(last) = spans.last_mut() {
            last.until = last.until.min(row.at);
        }
        if has_come {
            spans.push(Span { from: row.at, until: row.expires_at.unwrap_or(Timestamp::MAX) });
        }
    }
    // A record that was put aside, or couldn't be written, doesn't have the one that is there.
    if let Some(from) = present.received_at.filter(|at| spans.last().is_none_or(|last| last.from < *at)) {
        if let Some(last) = spans.last_mut() {
            last.until = last.until.min(from);
        }
        spans.push(Span { from, until: present.expires_at.unwrap_or(Timestamp::MAX) });
    }
    spans
}

/// The next token: as long as the one that is there, from its renewal on.
fn next(present: Present) -> Option<Span> {
    let (from, end) = (present.renews_at?, present.expires_at?);
    let until = from.checked_add(end.duration_since(present.received_at?)).ok()?;
    Some(Span { from, until })
}

/// No more than may be named: then neighbours are one, and of what is left the newest count.
fn bounded(spans: Vec<Span>) -> Vec<Span> {
    if spans.len() <= LIMIT {
        return spans;
    }
    let mut merged: Vec<Span> = Vec::new();
    for span in spans {
        match merged.last_mut().filter(|last| span.from <= last.until) {
            Some(last) => last.until = last.until.max(span.until),
            None => merged.push(span),
        }
    }
    merged.split_off(merged.len().saturating_sub(LIMIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_000_000;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(NOW + minutes * 60).expect("a time")
    }

    fn span(from: i64, until: i64) -> Span {
        Span { from: at(from), until: at(until) }
    }

    fn row(kind: ActivityKind, minutes: i64, until: Option<i64>) -> ActivityEntry {
        ActivityEntry { expires_at: until.map(at), ..ActivityEntry::new(kind, at(minutes)) }
    }

    fn of(rows: &[ActivityEntry], present: Present) -> Timeline {
        timeline(rows, &[], present, at(0))
    }

    #[test]
    fn each_token_is_valid_to_its_end_or_to_the_next_one() {
        use ActivityKind::{RefreshFailed, SignedIn, SignedOut, TokenRefreshed};
        let rows = [
            row(SignedIn, -30 * 60, Some(-23 * 60)),
            row(RefreshFailed, -22 * 60, None),
            row(TokenRefreshed, -20 * 60, Some(-19 * 60)),
            row(TokenRefreshed, -19 * 60 - 5, Some(-18 * 60)),
            row(SignedOut, -18 * 60 - 30, None),
            row(SignedIn, -60, Some(600)),
        ];
        let timeline = of(&rows, Present::default());
        assert_eq!(timeline.since, at(-24 * 60));
        let expected =
            [span(-24 * 60, -23 * 60), span(-20 * 60, -19 * 60 - 5), span(-19 * 60 - 5, -18 * 60 - 30), span(-60, 120)];
        assert_eq!(timeline.valid, expected);
        assert_eq!(timeline.retried, [at(-22 * 60)]);
        assert_eq!(timeline.next, None);
    }

    #[test]
    fn the_token_that_is_there_counts_also_where_no_row_knows_it_and_the_next_one_is_as_long() {
        let present = Present { received_at: Some(at(-40)), expires_at: Some(at(20)), renews_at: Some(at(14)) };
        let known = [row(ActivityKind::TokenRefreshed, -40, Some(20))];
        for rows in [&known[..], &[]] {
            let timeline = of(rows, present);
            assert_eq!((timeline.valid.as_slice(), timeline.next), (&[span(-40, 20)][..], Some(span(14, 74))));
        }
        // What is due already has no time yet, and what is far is not shown.
        for renews_at in [-1, 121] {
            assert_eq!(of(&known, Present { renews_at: Some(at(renews_at)), ..present }).next, None);
        }
    }

    #[test]
    fn sleep_is_cut_to_the_day_and_nothing_grows_without_end() {
        let sleep = |from, until| ActivityEntry { until: Some(at(until)), ..row(ActivityKind::Slept, from, None) };
        let sleeps = [sleep(-30 * 60, -25 * 60), sleep(-25 * 60, -20 * 60)];
        assert_eq!(timeline(&[], &sleeps, Present::default(), at(0)).asleep, [span(-24 * 60, -20 * 60)]);
        let restless: Vec<_> =
            (-1000..0).map(|minute| row(ActivityKind::TokenRefreshed, minute, Some(minute + 2))).collect();
        assert_eq!(of(&restless, Present::default()).valid, [span(-1000, 1)]);
        let with_gaps: Vec<_> = (-400..0)
            .map(|minute| ActivityEntry {
                expires_at: Some(at(minute) + SignedDuration::from_secs(9)),
                ..row(ActivityKind::TokenRefreshed, minute, None)
            })
            .collect();
        let valid = of(&with_gaps, Present::default()).valid;
        assert_eq!((valid.len(), valid[0].from), (LIMIT, at(-250)));
    }
}
