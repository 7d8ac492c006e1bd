//! What can have happened.

use std::fmt;

/// The text is not the name of an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an event is one of {}", Event::ALL.map(Event::as_str).join(", "))]
pub struct NotAnEvent;

macro_rules! events {
    ($($(#[$doc:meta])* $variant:ident = $name:literal;)*) => {
        /// What happened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Event {
            $($(#[$doc])* $variant,)*
            /// Nothing: somebody tries whether notices arrive. No route can name it, each takes it.
            Test,
        }

        impl Event {
            /// Everything that a route can name.
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$variant),*];

            /// Returns its name, as settings and messages have it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Test => "test",
                }
            }
        }
    };
}

events! {
    /// A request waits for approvals.
    Opened = "opened";
    /// Somebody approved, and more is missing.
    Approved = "approved";
    /// Everything that was asked for is there.
    Complete = "complete";
    /// Somebody who could approve said no.
    Denied = "denied";
    /// A request, or the approvals that make it pass, will end soon.
    Expiring = "expiring";
    /// A request waited too long.
    Expired = "expired";
    /// It still waits, as the place wants to be told.
    Reminder = "reminder";
    /// It has waited for so long that a rule wants others to know.
    Escalated = "escalated";
    /// Its requester has asked for a newer version.
    Superseded = "superseded";
    /// Its requester has taken it back.
    Cancelled = "cancelled";
    /// A rule was passed in an emergency.
    Overridden = "overridden";
    /// An override waits for its review for longer than it should.
    ReviewDue = "review-due";
    /// What was asked for is on its target.
    Landed = "landed";
    /// It should have landed by itself, and did not.
    NotLanded = "not-landed";
    /// Another policy is in force.
    PolicyChanged = "policy-changed";
    /// The log, the policy or the installation needs an administrator.
    Trouble = "trouble";
}

impl Event {
    /// Reads a name that a route can have.
    ///
    /// # Errors
    /// [`NotAnEvent`].
    pub fn parse(name: &str) -> Result<Self, NotAnEvent> {
        Self::ALL.into_iter().find(|event| event.as_str() == name).ok_or(NotAnEvent)
    }

    /// Tells whether this asks people to look at a request. Its requester does not hear of it.
    pub fn asks(self) -> bool {
        matches!(self, Self::Opened | Self::Reminder | Self::Escalated)
    }

    /// Tells whether this ends a request or decides what becomes of it: its requester hears of it.
    pub fn is_outcome(self) -> bool {
        matches!(
            self,
            Self::Complete
                | Self::Denied
                | Self::Expired
                | Self::Superseded
                | Self::Overridden
                | Self::Landed
                | Self::NotLanded
        )
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl serde::Serialize for Event {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

impl<'de> serde::Deserialize<'de> for Event {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let name = <std::borrow::Cow<'de, str>>::deserialize(from)?;
        if name == Self::Test.as_str() { Ok(Self::Test) } else { Self::parse(&name).map_err(serde::de::Error::custom) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_read_by_the_name_that_is_written() {
        for event in Event::ALL {
            assert_eq!(Event::parse(event.as_str()), Ok(event));
        }
        for bad in ["", "Opened", "test", "opened ", "log"] {
            assert_eq!(Event::parse(bad), Err(NotAnEvent), "{bad}");
        }
    }
}
