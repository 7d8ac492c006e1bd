//! Pushes in letters: each changeset is one letter, its id that letter's byte over and over.

use super::at;
use jit::domain::approval::SignedToken;
use jit::domain::change::{
    Action, Changeset, ChangesetId, ContentId, IdKind, Landing, Push, Pusher, RefUpdate, RepoPath, Target, TipChange,
    Trailer,
};
use jit::domain::name::RuleName;

/// The repository of all pushes and tokens that say nothing else.
pub const REPOSITORY: &str = "payments@5f0c";

/// The id of the changeset `letter`.
pub fn id(letter: char) -> ChangesetId {
    ChangesetId::from_bytes(IdKind::GitSha1, &[letter as u8; 20]).expect("a letter is not zero")
}

/// The content that tests call `name`.
pub fn content_id(name: char) -> ContentId {
    ContentId([name as u8; 32])
}

/// The ids of several.
pub fn ids(letters: &str) -> Vec<ChangesetId> {
    letters.chars().map(id).collect()
}

/// The changeset of the same letter in Mercurial.
pub fn as_hg(id: &ChangesetId) -> ChangesetId {
    ChangesetId::from_bytes(IdKind::HgSha1, id.as_bytes()).expect("of the same length")
}

/// A target in the spelling of tokens.
pub fn target(written: &str) -> Target {
    Target::parse(written).expect(written)
}

/// Paths.
pub fn paths(list: &[&str]) -> Vec<RepoPath> {
    list.iter().map(|path| RepoPath::new(path.as_bytes())).collect()
}

/// Reads changesets, children before parents: `c<b @bob db/1; b<a` is c, by bob, which changes `db/1`, on b on a.
///
/// `@name` is the author or a co-author, `~name` the committer, `?` says that nobody looked at the paths. Without any of these the
/// author is mallory, `Key:value` a trailer and `?:` that nobody looked at these, `%5` five changed lines (else one) and `%?` that nobody counted; one parent or none means a change of `src/LETTER`, more mean a merge without own changes.
pub fn changesets(text: &str) -> Vec<Changeset> {
    text.split(';').map(str::trim).filter(|part| !part.is_empty()).map(changeset).collect()
}

fn changeset(text: &str) -> Changeset {
    let mail = |name: &str| match name.contains('@') {
        true => name.as_bytes().to_vec(),
        false => format!("{name}@example.com").into_bytes(),
    };
    let mut words = text.split_whitespace();
    let (own, parents) = words.next().and_then(|word| word.split_once('<')).expect("ID<PARENTS");
    let mut read = Changeset {
        id: id(own.chars().next().expect("a letter")),
        parents: ids(parents),
        authors: Vec::new(),
        committer: None,
        summary: own.into(),
        own_paths: Some(if parents.len() > 1 { vec![] } else { paths(&[&format!("src/{own}")]) }),
        lines: Some(1),
        trailers: Some(Vec::new()),
    };
    let mut changed = Vec::new();
    for word in words {
        match (word, word.split_at(1)) {
            ("?", _) => read.own_paths = None,
            (_, ("%", lines)) => read.lines = lines.parse().ok(),
            ("?:", _) => read.trailers = None,
            (_, ("@", name)) => read.authors.push(mail(name)),
            (_, ("~", name)) => read.committer = Some(mail(name)),
            _ => match (word.split_once(':'), &mut read.trailers) {
                (Some((key, value)), Some(trailers)) => {
                    trailers.push(Trailer { key: key.into(), value: value.into() });
                }
                _ => changed.push(word),
            },
        }
    }
    if !changed.is_empty() {
        read.own_paths = Some(paths(&changed));
    }
    if read.authors.is_empty() {
        read.authors.push(mail("mallory"));
    }
    read
}

/// The update of `refs/heads/main` from `old` to `new` that brings `brought` in.
pub fn update(old: &str, new: &str, brought: &str) -> RefUpdate {
    let update = RefUpdate::new(target("refs/heads/main"), vec![Action::Update], ids(old), ids(new));
    RefUpdate { tips: ids(if new.is_empty() { old } else { new }), changesets: changesets(brought), ..update }
}

/// What else can be said of an update.
pub trait Build {
    /// Another target.
    fn on(self, written: &str) -> Self;
    /// Other actions, separated by spaces.
    fn does(self, actions: &str) -> Self;
    /// As Mercurial's, of the branch `default`.
    fn hg(self) -> Self;
    /// Commits that the values stand for.
    fn tips(self, letters: &str) -> Self;
    /// For one rule only these are new.
    fn scope(self, rule: &str, letters: &str) -> Self;
    /// For one rule these were on the branches of `promoted_from`.
    fn promoted(self, rule: &str, letters: &str) -> Self;
    /// A tip differs from an old head there; `None`: nobody looked.
    fn differs(self, tip: char, paths: Option<&[&str]>) -> Self;
    /// Up to `end` stands what tokens call by the content `name`.
    fn content(self, name: char, end: char) -> Self;
    /// That content landed with approvals, so many seconds from now.
    fn landed(self, name: char, seconds: i64) -> Self;
    /// An old value reaches these, which tokens of such contents name.
    fn holding(self, letters: &str) -> Self;
    /// These are reachable from an old value.
    fn reaching(self, letters: &str) -> Self;
    /// The log knows that the target was rewritten, so many seconds from now.
    fn rewritten(self, seconds: i64) -> Self;
    /// The log knows that the target moved with these overrides before.
    fn after(self, used: &[SignedToken]) -> Self;
}

fn rule_name(name: &str) -> RuleName {
    RuleName::new(name).expect(name)
}

impl Build for RefUpdate {
    fn on(self, written: &str) -> Self {
        Self { target: target(written), ..self }
    }

    fn does(self, actions: &str) -> Self {
        Self { actions: actions.split(' ').map(|word| Action::parse(word).expect(word)).collect(), ..self }
    }

    fn hg(mut self) -> Self {
        let all = |list: &[ChangesetId]| list.iter().map(as_hg).collect();
        (self.old, self.new, self.tips) = (all(&self.old), all(&self.new), all(&self.tips));
        for changeset in &mut self.changesets {
            changeset.id = as_hg(&changeset.id);
            changeset.parents = all(&changeset.parents);
        }
        for change in &mut self.tip_changes {
            change.tip = as_hg(&change.tip);
        }
        self.reachable_bases = self.reachable_bases.iter().map(as_hg).collect();
        self.on("branch:default")
    }

    fn tips(self, letters: &str) -> Self {
        Self { tips: ids(letters), ..self }
    }

    fn scope(mut self, rule: &str, letters: &str) -> Self {
        self.scopes.insert(rule_name(rule), ids(letters).into_iter().collect());
        self
    }

    fn promoted(mut self, rule: &str, letters: &str) -> Self {
        self.promoted.insert(rule_name(rule), ids(letters).into_iter().collect());
        self
    }

    fn differs(mut self, tip: char, list: Option<&[&str]>) -> Self {
        self.tip_changes.push(TipChange { tip: id(tip), paths: list.map(paths), lines: list.map(<[&str]>::len) });
        self
    }

    fn content(mut self, name: char, end: char) -> Self {
        self.contents.insert(content_id(name), Landing { end: id(end), landed_at: None });
        self
    }

    fn landed(mut self, name: char, seconds: i64) -> Self {
        self.contents.get_mut(&content_id(name)).expect("a content of the update").landed_at = Some(at(seconds));
        self
    }

    fn holding(self, letters: &str) -> Self {
        Self { held: ids(letters).into_iter().collect(), ..self }
    }

    fn reaching(self, letters: &str) -> Self {
        Self { reachable_bases: ids(letters).into_iter().collect(), ..self }
    }

    fn rewritten(self, seconds: i64) -> Self {
        Self { rewritten_at: Some(at(seconds)), ..self }
    }

    fn after(self, used: &[SignedToken]) -> Self {
        Self { used: used.iter().map(|signed| signed.id).collect(), ..self }
    }
}

/// Who pushes; nothing stands for nobody known.
pub fn login(name: &str) -> Pusher {
    Pusher { login: (!name.is_empty()).then(|| name.to_owned()), source: "env REMOTE_USER".to_owned() }
}

/// A push by `who`; nothing stands for nobody known.
pub fn push(who: &str, updates: &[RefUpdate]) -> Push {
    Push {
        repository: REPOSITORY.to_owned(),
        pusher: login(who),
        unknown_pusher_allowed: false,
        updates: updates.to_vec(),
    }
}
