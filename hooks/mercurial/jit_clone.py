# jit_clone.py - lets the program `jit` read a clone and the server that it belongs to, through Mercurial
#
# Copyright the jit authors
#
# This software may be used and distributed according to the terms of the
# GNU General Public License version 2 or any later version.
#
# SPDX-License-Identifier: GPL-2.0-or-later
#
# It imports Mercurial and so has Mercurial's licence. The program that it serves is a separate work behind a pipe.
"""let ``jit`` see what a clone has and what its server has

``jit`` brings this file along and starts, with whatever ``hg`` is there::

  hg --config extensions.jit_clone=/some/where/jit_clone.py debugjit --remote NAME

The command answers questions on its standard input (docs/spec/hg-request.md, "Clones"). Nothing is installed, and nothing is
pulled: what the server has and the clone has not is fetched to a temporary bundle, and read as if it stood on top of the
clone. Without ``--remote`` the server is where ``hg push`` goes by itself; with ``--here`` the repository itself is what is asked about.

As a hook it is the courtesy of a clone: ``pre-push.jit`` asks ``jit`` what the server would say, before anything is sent::

  [hooks]
  pre-push.jit = python:/home/alice/payments/.hg/jit/jit_clone.py:prepush

It stops a push only on a complete and explicit "deny". Where it cannot ask, the push goes on: the server decides.

``jit_conversation.py`` and ``jit_facts.py`` stand beside it, and hold what it has in common with the server's hooks.
"""

import importlib.util
import os
import shutil
import tempfile

from mercurial import (
    bookmarks as bookmarksmod,
    changegroup,
    discovery,
    error,
    exchange,
    hg,
    mdiff,
    phases,
    policy,
    registrar,
    scmutil,
    util,
)
from mercurial.node import nullid, nullrev
from mercurial.utils import procutil, urlutil

bdiff = policy.importmod('bdiff')

cmdtable = {}
command = registrar.command(cmdtable)

# A branch of a server's sibling holds the requests, and bookmarks name them.
SIBLING = b'-requests'
APPROVALS = b'jit-approvals'
# A patch is told in pieces of at most this many bytes.
PIECE = 1 << 16
REQUEST = b'r-'


def _beside(name):
    """Loads another of our scripts from the folder of this one."""
    spec = importlib.util.spec_from_file_location(name, os.path.join(os.path.dirname(__file__), name + '.py'))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


conversation = _beside('jit_conversation')
jit_facts = conversation.jit_facts
Trouble = jit_facts.Trouble
field, nodes_of, has, stored = jit_facts.field, jit_facts.nodes_of, jit_facts.has, jit_facts.stored


OPTIONS = [
    (b'', b'remote', b'', b'the server', b'NAME'),
    (b'', b'here', None, b'this repository alone'),
    (b'', b'requests', None, b'see what waits in the sibling too'),
]


@command(b'debugjit', OPTIONS, b'')
def debugjit(ui, repo, **opts):
    """answer the program `jit`"""
    # What else is printed must not get between the answers.
    output = os.fdopen(os.dup(1), 'wb')
    ui.flush()
    os.dup2(2, 1)
    remote = b'' if opts['here'] else opts['remote'] or None
    try:
        with Overlay(ui, repo, remote) as overlay:
            facts = overlay.facts(opts['requests'])
            header = {} if opts['here'] else {b'url': overlay.location}
            output.write(conversation.PREFACE)
            output.write(jit_facts.records(conversation.header(b'clone', _folder(repo), header, repo)))
            output.flush()
            for line in procutil.stdin:
                for piece in jit_facts.answer(facts, line.rstrip(b'\n')):
                    output.write(piece)
                output.flush()
    except Trouble as trouble:
        raise error.Abort(trouble.args[0])


def _folder(repo):
    return os.path.join(repo.sharedpath, b'jit')


# --- the courtesy before a push --------------------------------------------------------------------------------------


def prepush(ui, repo, pats=(), opts=None, **kwargs):
    """ask what the server would say"""
    try:
        reply = _ask(ui, repo, list(pats), opts or {})
    except Exception as cause:
        conversation.say(ui, b'jit: note: this push cannot be judged here; the server will: ' + conversation.describe(cause))
        return False
    if reply is not None and not reply.allowed:
        raise error.Abort(b'\n'.join(reply.abort), hint=b'\n'.join(reply.hint) or None)
    return False


def _ask(ui, repo, pats, opts):
    settings = conversation.settings(ui, repo)
    if settings is None:
        return None
    with Overlay(ui, repo, pats[0] if pats else None) as overlay:
        facts = overlay.facts()
        facts.suppose_push(opts)
        return conversation.converse(ui, settings, b'pre-push', {b'url': overlay.location}, repo, facts)


# --- the clone and what the server has beside it ---------------------------------------------------------------------


class Overlay:
    """A clone, together with all that a server has. The clone itself does not change."""

    def __init__(self, ui, repo, remote):
        self.repo = repo
        self.peer = self.location = self.branch = self._all = None
        self._ui = ui
        self._temporary = None
        if remote != b'':
            path = urlutil.get_unique_push_path(b'jit', repo, ui, remote)
            # Before Mercurial 6.4 a path has both of its locations.
            self.location, self.branch = getattr(path, 'pushloc', None) or path.loc, path.branch

    def __enter__(self):
        if self.location is not None:
            self.peer = hg.peer(self.repo, {}, self.location)
            self._temporary = tempfile.mkdtemp(prefix='jit-').encode()
        return self

    def __exit__(self, *raised):
        for closing in (self._all, self.peer):
            if closing is not None and closing is not self.repo:
                closing.close()
        if self._temporary:
            shutil.rmtree(self._temporary, ignore_errors=True)

    def facts(self, requests=False):
        if self.peer is None:
            return CloneFacts(self._ui, self.repo, self.repo, jit_facts.Before(self.repo, {}), None)
        heads = self._known_heads() if requests else None
        if heads is None:
            self._all, heads = self.with_incoming(self.peer, b'server.hg', self.repo)
        else:
            self._all = self._with_requests()
        before = Remote(self._ui, self._all.unfiltered(), self.peer, heads)
        return CloneFacts(self._ui, self.repo, self._all, before, self)

    def _known_heads(self):
        """Returns the server's heads, if the clone has all but its approvals; else nothing.

        A bundle cannot stand on another: of a clone that lacks something of its server's, that is seen and no request."""
        branches = _branchmap(self.peer)
        heads = [node for name, nodes in branches.items() if name != APPROVALS for node in nodes]
        return heads if all(has(self.repo.changelog, node) for node in heads) else None

    def _with_requests(self):
        """Returns the clone with whatever waits in the sibling."""
        peer = self.sibling()
        try:
            nodes = [node for _name, node in _requests(peer)]
            return self.with_incoming(peer, b'requests.hg', self.repo, nodes)[0] if nodes else self.repo
        finally:
            peer.close()

    def with_incoming(self, peer, name, repo, heads=None):
        """Returns the clone with whatever `peer` has and it has not, and the heads that were looked at."""
        common, incoming, heads = discovery.findcommonincoming(repo, peer, heads=heads, force=True)
        if not incoming:
            return repo, list(heads)
        known = set(common)
        with peer.commandexecutor() as executor:
            arguments = {
                b'source': b'incoming',
                b'common': common,
                b'heads': [node for node in heads if node not in known],
                b'bundlecaps': exchange.caps20to10(repo, role=b'client'),
                b'cg': True,
            }
            bundle = executor.callcommand(b'getbundle', arguments).result()
            path = os.path.join(self._temporary, name)
            changegroup.writechunks(self._ui, bundle._forwardchunks(), path)
        url = b'bundle:%s+%s' % (self.repo.root, path)
        return hg.repository(self.repo.baseui, url), list(heads)

    def sibling(self):
        """Connects to the repository in which the server keeps requests."""
        if self.location is None:
            raise Trouble(b'no server is asked')
        return hg.peer(self.repo, {}, self.location.rstrip(b'/') + SIBLING)


def _keys(peer, namespace):
    with peer.commandexecutor() as executor:
        return executor.callcommand(b'listkeys', {b'namespace': namespace}).result()


def _requests(peer):
    """The bookmarks of a sibling that name requests."""
    found = bookmarksmod.unhexlifybookmarks(_keys(peer, b'bookmarks'))
    return sorted(item for item in found.items() if item[0].startswith(REQUEST))


def _branchmap(peer):
    with peer.commandexecutor() as executor:
        found = executor.callcommand(b'branchmap', {}).result()
    if isinstance(found, dict):
        return found
    # A local path is answered with what Mercurial itself works with.
    return {name: found.branchheads(name, closed=True) for name in found}


class Remote:
    """What a server holds: as `jit_facts.Before`, from outside."""

    def __init__(self, ui, repo, peer, heads):
        log = repo.changelog
        self.txnid = None
        self.memory = jit_facts.Memory()
        self._ui, self._repo = ui, repo
        self.heads = [log.rev(node) for node in heads if has(log, node)]
        self.branches = {}
        for name, nodes in _branchmap(peer).items():
            nodes = [node for node in nodes if has(log, node)]
            closed = {node for node in nodes if log.branchinfo(log.rev(node))[1]}
            still_open = [node for node in nodes if node not in closed]
            self.branches[stored(name)] = (still_open, [node for node in nodes if node in closed])
        found = bookmarksmod.unhexlifybookmarks(_keys(peer, b'bookmarks'))
        self.bookmarks = {stored(name): node for name, node in found.items() if has(log, node)}
        self.tags = _tags(ui, repo, self.heads)
        keys = _keys(peer, b'phases')
        self.publishes = keys.pop(b'publishing', None) == b'True'
        self.drafts = [node for node in map(jit_facts.frombin, keys) if has(log, node)]
        self._reached = None

    def sees(self, rev):
        if self._reached is None:
            log = self._repo.changelog
            self._reached = log.ancestors(self.heads, inclusive=True)
        return rev in self._reached


def _tags(ui, repo, revs):
    """Returns the tags that `.hgtags` of these changesets together give."""
    manifests = jit_facts.Manifests(repo, jit_facts.Memory())
    files = (manifests.tag_file(repo.changelog.node(rev)) for rev in sorted(revs))
    # Each once, in the order of the changesets.
    return jit_facts.tags_in(ui, repo, [file for file in dict.fromkeys(files) if file != nullid])


class CloneFacts(jit_facts.Facts):
    """Answers about the clone and the server, and about a push that is only supposed."""

    QUERIES = {
        **jit_facts.Facts.QUERIES,
        b'resolve': 1,
        b'branch': 1,
        b'suppose': 3,
        b'approvals': 0,
        b'size': 2,
        b'diff': 2,
        b'requests': 0,
        b'request': 1,
        b'name': 2,
        b'unname': 2,
    }

    def __init__(self, ui, clone, everything, before, overlay):
        # Like `jit_facts.Facts`, on what the clone and the server have together.
        super().__init__(everything, before)
        self._ui, self._clone, self._overlay = ui, clone, overlay
        self._forget()

    # What is supposed.

    def _forget(self):
        before = self._need_before()
        self._branches_after = dict(before.branches)
        self._bookmarks_after = dict(before.bookmarks)
        self._tags_after = dict(before.tags)
        self._public_after = []

    def state(self):
        """What the supposed push changes."""
        yield from self._features()
        yield from self._changes(self._branches_after, self._bookmarks_after, self._tags_after, self._public_after)

    def suppose(self, kind, name, nodes):
        """Supposes that the branch NAME gains these heads (b), that a bookmark (k) or tag (t) moves to one, or that the heads
        become public (p), and nothing else. No node: the bookmark or tag goes."""
        self._forget()
        name, nodes = bytes.fromhex(name.decode('ascii')), nodes_of(nodes)
        revs = [self._log.rev(node) for node in nodes]
        if kind == b'b':
            self._gain(self._arriving(revs), only=name)
        elif kind == b'p':
            self._public_after = self._drafts(revs)
        elif kind in (b'k', b't'):
            names = self._bookmarks_after if kind == b'k' else self._tags_after
            names.pop(name, None)
            names.update({name: node for node in nodes})
        else:
            raise Trouble(b'the program supposes what is not known here')
        return ()

    def suppose_push(self, opts):
        """Supposes the push that these options of `hg push` ask for. What obsolescence markers would hide is left to the server."""
        self._forget()
        repo = self._clone
        named = [repo._bookmarks.expandname(name) for name in opts.get(b'bookmark') or ()]
        wanted = list(opts.get(b'rev') or ())
        wanted += [name for name in named if name in repo._bookmarks]
        branches = (self._overlay.branch, list(opts.get(b'branch') or ()))
        wanted, _checkout = hg.addbranchrevs(repo, self._overlay.peer, branches, wanted or None)
        if wanted:
            revs = list(scmutil.revrange(repo, wanted))
        else:
            revs = list(repo.revs(b'head() and not secret()'))
        # The clone's numbers are those of the clone with something on top.
        arriving = self._arriving(revs)
        self._gain(arriving)
        before = self._need_before()
        if not before.publishes:
            public = [rev for rev in arriving + self._drafts(revs) if repo[rev].phase() == phases.public]
            self._public_after = sorted(public)
        here = {stored(name): node for name, node in repo._bookmarks.items()}
        pushed = set(arriving)
        for name, node in here.items():
            old = before.bookmarks.get(name)
            moves = old is not None and old != node and self._descends(old, node)
            rev = self._log.rev(node)
            if moves and (rev in pushed or before.sees(rev)):
                self._bookmarks_after[name] = node
        for name in map(stored, named):
            self._bookmarks_after.pop(name, None)
            if name in here:
                self._bookmarks_after[name] = here[name]
        self._tags_after = _tags(self._ui, self._repo, before.heads + arriving)

    def _arriving(self, revs):
        """Returns what a push of these changesets brings."""
        before = self._need_before()
        return [rev for rev in self._log.findmissingrevs(before.heads or [nullrev], revs)] if revs else []

    def _gain(self, arriving, only=None):
        """Lets branches gain what arrives on them."""
        log, gained = self._log, {}
        for rev in arriving:
            gained.setdefault(self._branch(rev), []).append(rev)
        for name, revs in gained.items():
            if only is not None and name != only:
                continue
            known = [log.rev(node) for nodes in self._branches_after.get(name, ([], [])) for node in nodes]
            every = sorted(set(known + revs))
            parents = {parent for rev in every for parent in log.parentrevs(rev) if parent != nullrev}
            below = log.ancestors(parents, min(every), inclusive=True) if parents else ()
            heads = [rev for rev in every if rev not in below]
            closed = [rev for rev in heads if log.branchinfo(rev)[1]]
            still_open = [rev for rev in heads if rev not in closed]
            self._branches_after[name] = tuple([log.node(rev) for rev in some] for some in (still_open, closed))
        if self._need_before().publishes:
            self._public_after = arriving if only is None else gained.get(only, [])

    def _drafts(self, revs):
        """Returns what of these changesets and their ancestors is a draft on the server."""
        before, log = self._need_before(), self._log
        roots = [log.rev(node) for node in before.drafts]
        if not roots or not revs:
            return []
        return [rev for rev in self._repo.revs(b'%ld::%ld', roots, revs) if before.sees(rev)]

    # What else is asked.

    def resolve(self, revision):
        """What a person calls REV, in the clone; of what the server alone has, only the full id."""
        name = bytes.fromhex(revision.decode('ascii'))
        try:
            node = scmutil.revsingle(self._clone, name, default=None).node()
        except (error.RepoLookupError, error.ParseError, error.InputError):
            node = jit_facts.frombin(name) if len(name) == 40 and not name.strip(b'0123456789abcdef') else nullid
        return self._listed([node] if node is not None and has(self._log, node) else [])

    def branch(self, node):
        """The named branch of a changeset."""
        for node in nodes_of(node):
            yield b'S', self._branch_of(node)

    def approvals(self):
        """The server's heads on the branch of approvals: tokens, and the policy."""
        still_open, closed = self._need_before().branches.get(APPROVALS, ([], []))
        for node in still_open + closed:
            yield self._changeset(node)

    def size(self, old, new):
        """How files differ: lines added and removed."""
        (old,), (new,) = nodes_of(old) or (nullid,), nodes_of(new)
        one, two = self._repo[old], self._repo[new]
        status = one.status(two)
        for how, paths in ((b'A', status.added), (b'D', status.removed), (b'M', status.modified)):
            for path in paths:
                sides = [context[path].data() if path in context else b'' for context in (one, two)]
                added = removed = 0
                if not any(b'\0' in side for side in sides):
                    lines = [side.count(b'\n') + (not side.endswith(b'\n') and side != b'') for side in sides]
                    same = sum(block[1] - block[0] for block in bdiff.blocks(*sides))
                    removed, added = (count - same for count in lines)
                yield b'G', how + jit_facts.struct.pack('>II', added, removed) + path

    def diff(self, old, new):
        """How files differ: a patch in Git's form, in pieces."""
        (old,), (new,) = nodes_of(old) or (nullid,), nodes_of(new)
        for piece in self._repo[new].diff(self._repo[old], opts=mdiff.diffopts(git=True)):
            for start in range(0, len(piece), PIECE):
                yield b'S', piece[start : start + PIECE]

    def requests(self):
        """The requests that the server keeps, by name."""
        peer = self._overlay.sibling()
        try:
            for name, node in _requests(peer):
                yield b'V', b'k' + field(stored(name)) + jit_facts.node_list([node])
        finally:
            peer.close()

    def request(self, node):
        """A changeset of the server's requests, which need not be here."""
        nodes = nodes_of(node)
        if all(has(self._log, node) for node in nodes):
            yield from self.changesets(node)
            return
        peer = self._overlay.sibling()
        try:
            everything, _heads = self._overlay.with_incoming(peer, b'requests.hg', self._clone, nodes)
            try:
                facts = jit_facts.Facts(everything, None)
                yield from facts.changesets(node)
            finally:
                if everything is not self._clone:
                    everything.close()
        finally:
            peer.close()

    def name(self, name, node):
        """Names a changeset of the server's requests, unless something there has the name. Answers with it if it was done."""
        return self._move_name(name, b'', node)

    def unname(self, name, node):
        """Takes the name away, if it is that of this changeset. Answers with it if it was done."""
        return self._move_name(name, node, b'')

    def _move_name(self, name, old, new):
        peer = self._overlay.sibling()
        key = {b'namespace': b'bookmarks', b'key': name, b'old': old, b'new': new}
        try:
            with peer.commandexecutor() as executor:
                done = executor.callcommand(b'pushkey', key).result()
        except (error.ResponseError, util.urlerr.httperror):
            # This command has no way for a reason: where a hook refuses, the server breaks off.
            done = False
        finally:
            peer.close()
        if done:
            yield b'S', name
