//! A conversation with Mercurial's hooks in which the script answers any bytes: it ends with updates or an error.
#![no_main]

use jit::adapters::mercurial::{MercurialHistory, Request};
use jit::domain::name::RuleName;
use jit::ports::history::{History as _, Need, OwnPaths, Selection};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(request) = Request::replay(bytes) else { return };
    let mut history = MercurialHistory::new(request);
    let Ok(mut updates) = history.ref_updates() else { return };
    for update in &mut updates {
        let selection = || Selection { rule: RuleName::new("r").expect("a name"), picks: Box::new(|_| true) };
        let (hidden, promoted) = (vec![selection()], vec![selection()]);
        let need = Need { own_paths: OwnPaths::All, lines: Some(9), trailers: true, whole: true, hidden, promoted };
        let bases = update.old.iter().copied().collect();
        if history.load(update, &need).is_err() || history.reachable_bases(update, &bases).is_err() {
            return;
        }
    }
});
