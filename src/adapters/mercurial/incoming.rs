//! The tokens that a transaction carries: in changesets on the approvals' branch, and in push variables.

use super::MercurialHistory;
use super::pushvars::offers;
use crate::domain::change::RefUpdate;
use crate::ports::history::HistoryError;
use crate::ports::incoming::{Carried, CarriedToken, Incoming, TokenPlace};
use std::io::{Read, Write};

impl<R: Read, W: Write> Incoming for MercurialHistory<R, W> {
    fn carried(&mut self, _updates: &[RefUpdate]) -> Result<Carried, HistoryError> {
        let changesets = self
            .tokens()
            .iter()
            .map(|(id, text)| CarriedToken { text: text.as_bytes().to_vec(), place: TokenPlace::Changeset(*id) });
        let offers = offers(&self.header().pushvars);
        let offered = offers.into_iter().map(|text| CarriedToken { text, place: TokenPlace::Offered });
        Ok(Carried { tokens: changesets.chain(offered).collect(), ..Carried::default() })
    }
}
