//! What only a forged client sends: names, patches and hints by which Mercurial would read something else than was judged.

use crate::branches::draft_server;
use crate::guard::Guard;
use crate::hg::Transport;
use crate::support::ALICE;
use jit::domain::audit::Verdict;

const PATHS: &str = "[[rule]]\nname = \"guarded\"\nbranches = [\"default\"]\npaths = [\"src/**\"]\n\
                     require = [{ role = \"leads\", approvals = 1 }]\n";
const BOOKMARK: &str =
    "[[rule]]\nname = \"stable\"\nbookmarks = [\"stable\"]\nrequire = [{ role = \"leads\", approvals = 1 }]\n";
const TAGS: &str = "[[rule]]\nname = \"tags\"\ntags = [\"v*\"]\nrequire = [{ role = \"leads\", approvals = 1 }]\n";

/// Why a name is refused.
const READ_BACK: &str = "would be read back under another name";

/// Records a changeset with one file on a branch with any name, and prints its node.
const COMMIT: &str = r#"
import sys
from mercurial import context, hg, ui as uimod
repo = hg.repository(uimod.ui.load(), sys.argv[1].encode())
path, branch = sys.argv[2].encode(), sys.argv[3].encode()
def file(repo, memctx, path):
    return context.memfilectx(repo, memctx, path, b'forged\n')
parents = (repo[b'tip'].node(), None)
with repo.lock():
    node = context.memctx(repo, parents, b'forged', [path], file, b'mallory', extra={b'branch': branch}).commit()
print(node.hex())
"#;

/// Pushes the clone's tip. With `hint`, tells the server that it has no `.hgtags`; with `cut`, cuts the patch for its manifest so that the line
/// of `.hgtags` begins in the middle; with `other`, the patch makes another manifest than the changeset names; with `below`, that of its parent does,
/// whose manifest it has.
const PUSH: &str = r#"
import struct
how = sys.argv[3]
tip = repo[b'tip']
base = tip.p1().p1() if how == 'below' else tip.p1()
outgoing = discovery.outgoing(repo, [base.node()], [tip.node()])
data = b''.join(changegroup.makestream(repo, outgoing, b'02', b'push'))

def chunk(at):
    length = struct.unpack('>l', data[at:at + 4])[0]
    return data[at + 4:at + max(length, 4)], at + max(length, 4)

def cut():
    base = repo.manifestlog[tip.p1().manifestnode()].read().text()
    text = repo.manifestlog[tip.manifestnode()].read().text()
    start = base.index(b'.hgtags\0') + 4
    end = base.index(b'\n', start) + 1
    new = text[start:text.index(b'\n', start) + 1]
    assert base[:start] + new + base[end:] == text
    return struct.pack('>lll', start, end, len(new)) + new

pieces, at, group = [], 0, 0
while group < 2:
    piece, at = chunk(at)
    if not piece:
        group += 1
        pieces.append(struct.pack('>l', 0))
        continue
    if group == 1 and how == 'cut':
        assert piece[60:80] == tip.p1().manifestnode()
        piece = piece[:100] + cut()
    if group == 1 and how in ('other', 'below'):
        piece = piece[:100]
    pieces.append(struct.pack('>l', len(piece) + 4) + piece)
pieces.append(data[at:])

part = bundler.newpart(b'changegroup', data=b''.join(pieces))
part.addparam(b'version', b'02')
if how == 'hint':
    bundler.newpart(b'hgtagsfnodes', data=tip.node() + bytes(20), mandatory=False)
send()
"#;

#[test]
fn a_branch_that_is_read_back_under_another_name_is_refused() {
    let guard = Guard::new(PATHS);
    let work = guard.work.to_string_lossy().into_owned();
    for branch in ["default ", "default\t", " default", "default\r"] {
        guard.hg.python(&guard.work, COMMIT, &[&work, "src/a", branch]);
        guard.refused(ALICE, Transport::Ssh, &["--force", "--rev", "tip"], &[READ_BACK, "branch:"]);
        assert_eq!(guard.decisions().pop().expect("a decision").reasons.len(), 1);
        guard.hg.ok(&guard.work, &["--config", "extensions.strip=", "strip", "--quiet", "--no-backup", "tip"]);
    }
}

#[test]
fn a_bookmark_that_is_read_back_under_another_name_is_refused() {
    let guard = Guard::new(BOOKMARK);
    let (url, base) = (guard.hg.url_of("alice", Transport::Ssh), guard.id_of("0").hex());
    let before = guard.hg.server_state();
    for name in ["stable ", "stable\t", "stable\r", "stable\x0b", "stable\nx"] {
        let ran = guard.hg.hg(&guard.work, &["debugpushkey", &url, "bookmarks", name, "", &base]);
        assert!(ran.said.contains(READ_BACK), "{name:?}: {}", ran.said);
        assert_eq!(guard.hg.server_state(), before, "{name:?}");
    }
}

#[test]
fn a_path_that_leads_to_another_place_is_refused() {
    let guard = Guard::new(PATHS);
    let work = guard.work.to_string_lossy().into_owned();
    for path in ["./src/a", "docs//a", "docs/../src/a"] {
        guard.hg.python(&guard.work, COMMIT, &[&work, path, "default"]);
        guard.refused(ALICE, Transport::Ssh, &["--rev", "tip"], &["malformed line"]);
        guard.hg.ok(&guard.work, &["--config", "extensions.strip=", "strip", "--quiet", "--no-backup", "tip"]);
    }
}

#[test]
fn no_tag_hides_behind_hints_or_cut_patches() {
    let guard = draft_server(TAGS);
    let hg = &guard.hg;
    hg.ok(&guard.work, &["tag", "--rev", "0", "free"]);
    guard.accepted(ALICE, Transport::Ssh, &[]);
    hg.ok(&guard.work, &["tag", "--rev", "0", "v1"]);
    let (before, tags) = (hg.server_state(), hg.ok(&hg.server(), &["tags"]));
    let url = hg.url_of("alice", Transport::Ssh);
    for how in ["hint", "cut"] {
        let said = hg.send_bundle(&guard.work, PUSH, &[&url, how]);
        assert_eq!(hg.server_state(), before, "{how}: {said}");
        // This client does not print the reason; the log has it, and says of the second push that it was the same.
        let newest = guard.decisions().pop().expect("a decision");
        assert_eq!(newest.verdict, Verdict::Deny, "{how}: {said}");
        let targets: Vec<String> = newest.updates.iter().map(|update| update.target.to_string()).collect();
        assert!(newest.again.is_some() || targets.contains(&"tag:v1".to_owned()), "{how}: {targets:?}");
        assert_eq!(hg.ok(&hg.server(), &["tags"]), tags, "{how}");
    }
    guard.log_is_sound();
}

#[test]
fn a_manifest_that_nobody_can_read_is_refused() {
    let guard = Guard::new("");
    let before = guard.hg.server_state();
    let url = guard.hg.url_of("alice", Transport::Ssh);
    guard.change("docs/readme", "change");
    for how in ["other", "below"] {
        if how == "below" {
            // It changes no file, and so has the manifest of its parent.
            guard.hg.ok(&guard.work, &["commit", "--close-branch", "--message", "close"]);
        }
        let said = guard.hg.send_bundle(&guard.work, PUSH, &[&url, how]);
        assert_eq!(guard.hg.server_state(), before, "{how}: {said}");
    }
    guard.log_is_sound();
}

#[test]
fn an_obsolete_changeset_does_not_come_to_light_below_another_branch() {
    let guard = draft_server(PATHS);
    let hg = &guard.hg;
    let below = guard.change("src/a", "unapproved");
    hg.ok(&guard.work, &["branch", "--quiet", "free"]);
    guard.change("docs/readme", "above");
    hg.ok(&guard.work, &["debugobsolete", "--record-parents", &below.hex()]);
    let why = format!("{below} is obsolete and would become visible");
    guard.refused(ALICE, Transport::Ssh, &["--force"], &["jit: denied: ", &why]);
}
