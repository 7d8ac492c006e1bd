//! Which requests there are: on a server by its log, in a clone by the requests' own commits, which are claims.

use super::{Central, Place};
use crate::adapters::disk::log::LogReader;
use crate::cli::client::Client;
use crate::cli::local_clone::KeptRequest;
use crate::cli::{Failure, IntoFailure};
use crate::domain::audit::{Entry, Event, Header, RequestStep, Step};
use crate::domain::change::Pusher;
use crate::domain::request::{Asked, Ledger, Limits, Wanted, asked_by};
use crate::domain::time::{Span, Timestamp};

/// No approval counts for longer; what is approved may wait for longer than requests are kept.
const LONGEST_APPROVAL: Span = Span::days(30);

/// The requests that were wanted, and the moment at which they are looked at.
pub struct Known {
    /// The requests, oldest first.
    pub requests: Vec<Asked>,
    /// Now; on a server no earlier than its log's newest entry.
    pub now: Timestamp,
}

impl Place {
    /// Returns how long a request waits; in a clone, as its server has published it.
    pub fn keep(&self) -> Span {
        match self {
            Self::Clone(client) => client.published.keep,
            Self::Central(central, _) => central.keep(),
        }
    }

    /// Returns the requests that are wanted, of those that have not waited for too long, or for no longer since than an approval can count; a
    /// single one whenever it was asked for. In a clone the server must still have them.
    ///
    /// # Errors
    /// A [`Failure`] if they cannot be read.
    pub fn asked(&self, wanted: &Wanted) -> Result<Known, Failure> {
        match self {
            Self::Clone(client) => of_clone(client, wanted, self.keep()),
            Self::Central(central, _) => central.asked(wanted),
        }
    }
}

impl Central {
    /// As [`Place::asked`], by the log.
    ///
    /// # Errors
    /// A [`Failure`] if it cannot be read.
    pub fn asked(&self, wanted: &Wanted) -> Result<Known, Failure> {
        let keep = self.keep();
        let since = self.parts.now().minus(keep).minus(LONGEST_APPROVAL);
        let known = self.fold(wanted, keep, &|_, header| header.time < since)?;
        match wanted {
            Wanted::Only(_) if known.requests.is_empty() => self.fold(wanted, keep, &|_, _| false),
            _ => Ok(known),
        }
    }

    fn keep(&self) -> Span {
        Limits::from(self.parts.settings.requests).keep
    }

    fn fold(&self, wanted: &Wanted, keep: Span, before: &dyn Fn(u64, &Header<'_>) -> bool) -> Result<Known, Failure> {
        let paths = self.parts.audit_paths();
        let reader = LogReader::open(&paths).or_fail()?;
        let mut now = self.parts.now();
        let mut ledger = Ledger::new(keep, wanted.clone());
        reader
            .since(before, |stored| {
                let entry = stored.whole(&paths)?;
                now = now.max(entry.time);
                ledger.take(stored.index, &entry);
                Ok(())
            })
            .or_fail()?;
        match ledger.begins_before() {
            Some(first) => self.fold(wanted, keep, &|index, _| index < first),
            None => Ok(Known { requests: ledger.into_requests(), now }),
        }
    }
}

/// A clone has no log: each request that the server keeps is taken for one that was sent when its commit says.
fn of_clone(client: &Client, wanted: &Wanted, keep: Span) -> Result<Known, Failure> {
    let mut kept = client.local.requests(None)?;
    // One whose name is not its own is none: the place is open to every pusher.
    kept.retain(|one| one.request.id(&client.published.repository, &one.subject) == one.id);
    kept.sort_by(|one, other| (one.time, &one.id).cmp(&(other.time, &other.id)));
    let mut ledger = Ledger::new(keep, wanted.clone());
    for (index, one) in (0..).zip(kept) {
        ledger.take(index, &sent(one));
    }
    Ok(Known { requests: ledger.into_requests(), now: client.now })
}

fn sent(kept: KeptRequest) -> Entry {
    let KeptRequest { id, subject, request, by, time } = kept;
    Entry {
        time,
        event: Event::Request(RequestStep {
            id,
            target: request.target,
            subject,
            action: request.action,
            base: request.base,
            reason: Some(request.reason),
            requester: Pusher { login: asked_by(&by).map(str::to_owned), source: CLAIMED.to_owned() },
            step: Step::Sent { bytes: 0 },
        }),
    }
}

/// How a clone knows who asks.
pub const CLAIMED: &str = "the request's own words";
