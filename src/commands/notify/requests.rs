//! How the requests of a server stand, for whoever is to be told of changes.

use crate::cli::Context;
use crate::cli::requests::{RequestView, Requests};
use crate::domain::approval::TokenId;
use crate::domain::change::Action;
use crate::domain::notify::{About, RuleNotice, Standing};
use crate::domain::policy::Mode;
use std::path::Path;

/// Returns how each request stands that waits or has ended lately; none where they cannot be read, for then nobody knows.
pub(super) fn standing(repo: Option<&Path>, cx: &Context) -> Vec<Standing> {
    let views = Requests::open(repo, None, cx).and_then(|requests| requests.list(true));
    views.unwrap_or_default().iter().map(of_view).collect()
}

fn of_view(view: &RequestView) -> Standing {
    let asked = &view.asked;
    let goes = asked.action == Action::Delete;
    let enforcing = || view.rules.iter().filter(|rule| rule.mode == Mode::Enforce);
    let rules = enforcing().map(|rule| RuleNotice {
        name: rule.name.clone(),
        message: rule.message.clone(),
        required: vec![rule.needs.clone()],
        missing: if rule.met { Vec::new() } else { vec![rule.needs.clone()] },
    });
    let tokens = || enforcing().flat_map(|rule| &rule.tokens);
    let since = |id: &TokenId| {
        let mut signed = view.judged.iter().flat_map(|judged| &judged.tokens);
        signed.find(|signed| signed.id == *id).map_or(view.now, |signed| signed.token.not_before)
    };
    let approvals = tokens().filter(|token| token.role.is_some());
    let approvals = approvals.map(|token| (token.id, (token.who.to_string(), since(&token.id))));
    let rejections = tokens().filter(|token| token.role.is_none());
    Standing {
        id: asked.id.clone(),
        about: About {
            target: asked.target.clone(),
            actions: vec![asked.action.clone()],
            old: asked.base.clone(),
            new: if goes { Vec::new() } else { vec![asked.subject] },
        },
        requester: asked.requester.login.clone(),
        state: view.state,
        clocks: view.clocks,
        rules: rules.collect(),
        approvals: approvals.collect(),
        rejections: rejections.map(|token| (token.id, (token.who.to_string(), token.reason.clone()))).collect(),
    }
}
