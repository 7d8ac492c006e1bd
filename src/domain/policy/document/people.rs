//! Reads `[principals.NAME]` and `[roles.NAME]`.

use super::reader::{Key, Reader, Section, Value};
use super::value;
use crate::domain::name::{PrincipalId, RoleName};
use crate::domain::policy::FaultKind;
use crate::domain::policy::draft::{At, PrincipalDraft, RoleDraft};
use crate::domain::policy::limits;

pub(super) const PRINCIPAL: Section =
    Section { name: "a principal", keys: &["keys", "emails", "logins", "valid_until"] };

pub(super) const ROLE: Section = Section { name: "a role", keys: &["members", "delegable"] };

/// Reads one principal; `None` if it has no name to go by.
pub(super) fn principal(reader: &mut Reader<'_>, name: &Key<'_>, body: &Value<'_>) -> Option<PrincipalDraft> {
    let before = reader.faults();
    let name = value::name(reader, reader.place(name.span()), name.get_ref(), PrincipalId::new);
    let table = reader.table("principals", body)?;
    let (mut keys, mut emails, mut logins, mut valid_until) = (Vec::new(), Vec::new(), Vec::new(), None);
    for (key, value) in table {
        match reader.known(&PRINCIPAL, key) {
            Some("keys") => {
                for text in reader.texts("keys", value) {
                    keys.extend(value::public_key(reader, &text));
                }
            }
            Some("emails") => {
                for text in reader.texts("emails", value) {
                    if is_identity(text.value) && !text.value.contains(['<', '>']) {
                        emails.push(At { place: text.place, value: text.value.to_ascii_lowercase() });
                    } else {
                        reader.sink.push(&text.place, FaultKind::NotAnEmail(text.value.to_owned()));
                    }
                }
            }
            Some("logins") => {
                for text in reader.texts("logins", value) {
                    if is_identity(text.value) {
                        logins.push(At { place: text.place, value: text.value.to_owned() });
                    } else {
                        reader.sink.push(&text.place, FaultKind::NotALogin(text.value.to_owned()));
                    }
                }
            }
            Some("valid_until") => {
                let place = reader.place(value.span());
                valid_until = value::moment(reader, value).map(|value| At { place, value });
            }
            _ => {}
        }
    }
    let sound = reader.faults() == before;
    Some(PrincipalDraft { name: name?, keys, emails, logins, valid_until, sound })
}

/// Tells whether a commit or a transport could ever show `text`: not empty, no blanks, nothing invisible.
fn is_identity(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= limits::IDENTITY_BYTES
        && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

/// Reads one role; `None` if it has no name to go by.
pub(super) fn role(reader: &mut Reader<'_>, name: &Key<'_>, body: &Value<'_>) -> Option<RoleDraft> {
    let before = reader.faults();
    let place = reader.place(name.span());
    let name = value::name(reader, place.clone(), name.get_ref(), RoleName::new);
    let table = reader.table("roles", body)?;
    let (mut people, mut roles) = (Vec::new(), Vec::new());
    let mut delegable = false;
    for (key, value) in table {
        match reader.known(&ROLE, key) {
            Some("members") => {}
            Some("delegable") => {
                delegable = reader.truth("delegable", value).unwrap_or(false);
                continue;
            }
            _ => continue,
        }
        for member in reader.distinct_texts("members", value) {
            match member.value.strip_prefix("role:") {
                Some(role) => roles.extend(value::name(reader, member.place, role, RoleName::new)),
                None => people.extend(value::name(reader, member.place, member.value, PrincipalId::new)),
            }
        }
    }
    let name = name?;
    if !table.contains_key("members") {
        reader.sink.push(&place, FaultKind::EmptyRole(name.value.to_string()));
    }
    Some(RoleDraft { name, people, roles, delegable, sound: reader.faults() == before })
}
