//! CODEOWNERS of GitHub and GitLab: whose approval a change of which paths needs.
//!
//! In such a file the last line that matches a path names its owners; in a policy every rule that matches must be met. So each line
//! becomes a rule of its own, and takes away what later lines may match. Lines that follow each other and name the same owners are one
//! rule. A line without owners becomes none, and is only taken away. GitLab's sections stand beside each other: in each of them
//! the last line wins, and all of them are asked.

use super::owners::{Owner, Section, dialect, read};
use super::people::Person;
use super::written::{Names, RuleText, Written, list, quoted, require};
use super::{ImportError, glob};
use std::collections::{BTreeMap, BTreeSet};

/// Makes a policy that asks, for what the lines of `file` match on `branches`, for one approval of an owner, or for as many as a
/// section says.
///
/// Sections or roles (`@@`) make it a file of GitLab; without, GitHub's rules are taken.
///
/// # Errors
/// [`ImportError`].
pub fn codeowners(file: &[u8], branches: &[String]) -> Result<String, ImportError> {
    let mut written = Written::default();
    let dialect = dialect(file);
    let sections = read(file, dialect, &mut written)?;
    let mut maker = Maker { branches, teams: teams(&sections), roles: BTreeMap::new(), names: Names::default() };
    for section in &sections {
        let later = Later::of(section);
        for (at, entry) in section.entries.iter().enumerate() {
            let is_first = at == 0 || section.entries[at - 1].owners != entry.owners;
            if is_first && !entry.owners.is_empty() {
                maker.rule(section, at, &later, &mut written)?;
            }
        }
    }
    written.head.push(format!(
        "Made from CODEOWNERS, as {dialect:?} reads it: of the lines that match a path the last names its owners."
    ));
    if written.people.has_keyless() {
        let what = "Nobody holds the keys with `replace-me`: put in everybody's own, and the people of each team.";
        written.head.push(format!("{what} Until then nobody can approve."));
    }
    written.finish()
}

/// Returns of each team how many people of it one rule may need.
fn teams(sections: &[Section]) -> BTreeMap<String, usize> {
    let mut teams = BTreeMap::new();
    for section in sections {
        for owner in section.entries.iter().flat_map(|entry| &entry.owners) {
            if let Owner::Team(name) = owner {
                let most = teams.entry(name.clone()).or_insert(1);
                *most = section.approvals.max(*most);
            }
        }
    }
    teams
}

/// The patterns of a section by their first part, with the line's place in it: most cannot match what a pattern matches that begins
/// with another part, so of thousands of lines only a few are compared.
struct Later<'s> {
    by_part: BTreeMap<&'s str, Vec<(usize, &'s str)>>,
}

impl<'s> Later<'s> {
    fn of(section: &'s Section) -> Self {
        let mut by_part: BTreeMap<&str, Vec<(usize, &str)>> = BTreeMap::new();
        let lines =
            section.entries.iter().enumerate().flat_map(|(at, entry)| entry.globs.iter().map(move |glob| (at, glob)));
        for (at, glob) in lines.chain(section.excluded.iter().map(|glob| (usize::MAX, glob))) {
            by_part.entry(first_part(glob)).or_default().push((at, glob));
        }
        Self { by_part }
    }

    /// Tells whether an entry from `from` on takes all that `glob` matches.
    fn says_otherwise(&self, glob: &str, from: usize) -> bool {
        let stands = |part: &str, wanted: &str| {
            self.by_part.get(part).into_iter().flatten().any(|(at, glob)| *at >= from && *glob == wanted)
        };
        stands(first_part(glob), glob) || stands("**", "**")
    }

    /// Returns the entries from `from` on that may match what `path` matches, each with `!` in front.
    fn crossing(&self, path: &str, from: usize) -> Vec<String> {
        let part = first_part(path);
        let same_part = |other: &str| is_wild(part) || is_wild(other) || other == part;
        let near = self.by_part.iter().filter(|(other, _)| same_part(other)).flat_map(|(_, globs)| globs);
        let crossing = near.filter(|(at, glob)| *at >= from && !glob::are_disjoint(path, glob));
        crossing.map(|(_, glob)| format!("!{glob}")).collect()
    }
}

fn first_part(glob: &str) -> &str {
    glob.split('/').next().unwrap_or_default()
}

fn is_wild(part: &str) -> bool {
    part.contains(['*', '?', '[', '\\'])
}

struct Maker<'a> {
    branches: &'a [String],
    teams: BTreeMap<String, usize>,
    /// The members that stand for an owner in roles, and how many people they are.
    roles: BTreeMap<Owner, (String, usize)>,
    names: Names,
}

impl Maker<'_> {
    /// Writes the rule of the lines from `at` on that follow each other and name the same owners.
    fn rule(
        &mut self,
        section: &Section,
        at: usize,
        later: &Later<'_>,
        written: &mut Written,
    ) -> Result<(), ImportError> {
        let owners = &section.entries[at].owners;
        let count = section.entries[at..].iter().take_while(|entry| entry.owners == *owners).count();
        let own = &section.entries[at..at + count];
        let mut paths: Vec<String> = Vec::new();
        for entry in own {
            let lasting = entry.globs.iter().filter(|glob| !later.says_otherwise(glob, at + count));
            let lasting: Vec<String> = lasting.filter(|glob| !paths.contains(glob)).cloned().collect();
            if lasting.is_empty() && entry.globs.iter().all(|glob| !paths.contains(glob)) {
                written.leave(entry.line, "later lines say otherwise of all of it", entry.text.as_bytes())?;
            }
            paths.extend(lasting);
        }
        if paths.is_empty() {
            return Ok(());
        }
        let taken: BTreeSet<String> = paths.iter().flat_map(|path| later.crossing(path, at + count)).collect();
        paths.extend(taken);
        let (role, people) = self.role(owners, written);
        if people < section.approvals {
            let why = format!("its section asks for {} approvals, and it has fewer owners", section.approvals);
            written.leave(own[0].line, &why, own[0].text.as_bytes())?;
        }
        let wish = format!("{}-line-{}", section.name, own[0].line);
        let texts: Vec<&str> = own.iter().map(|entry| entry.text.as_str()).collect();
        let mut keys = vec![
            ("branches", list(self.branches)),
            ("paths", list(&paths)),
            require(&role, section.approvals.min(people)),
        ];
        if section.is_optional {
            keys.push(("mode", quoted("observe")));
        }
        let comment = format!("line {}: {}", own[0].line, texts.join(" | "));
        written.rule(&RuleText { comment, name: self.names.take(wish.trim_start_matches('-')), keys })
    }

    /// Returns the role of whoever of `owners`, and how many people it has.
    fn role(&mut self, owners: &BTreeSet<Owner>, written: &mut Written) -> (String, usize) {
        let members: Vec<(String, usize)> = owners.iter().map(|owner| self.member(owner, written)).collect();
        let people = members.iter().map(|(_, count)| count).sum();
        let role = match &members[..] {
            [(only, _)] if only.starts_with("role:") => only["role:".len()..].to_owned(),
            [(only, _)] => written.people.role(only, vec![only.clone()]),
            _ => written.people.role("owners", members.into_iter().map(|(member, _)| member).collect()),
        };
        (role, people)
    }

    fn member(&mut self, owner: &Owner, written: &mut Written) -> (String, usize) {
        if let Some(known) = self.roles.get(owner) {
            return known.clone();
        }
        let person = |comment: String, emails: &[&String], logins: &[&String]| Person {
            comment,
            emails: emails.iter().map(|one| (*one).clone()).collect(),
            logins: logins.iter().map(|one| (*one).clone()).collect(),
            ..Person::default()
        };
        let made = match owner {
            Owner::User(login) => {
                (written.people.add(login, person(format!("@{login}, if that is their login here"), &[], &[login])), 1)
            }
            Owner::Email(address) => {
                let wish = address.split('@').next().unwrap_or_default();
                (written.people.add(wish, person(address.clone(), &[address], &[])), 1)
            }
            Owner::Team(name) => {
                let count = self.teams.get(name).copied().unwrap_or(1);
                let members = (0..count).map(|_| {
                    written.people.add(&format!("{name}-member"), person(format!("somebody of @{name}"), &[], &[]))
                });
                let members = members.collect();
                (format!("role:{}", written.people.role(name, members)), count)
            }
        };
        self.roles.insert(owner.clone(), made.clone());
        made
    }
}
