# jit_facts.py - gathers what the program `jit` asks of a Mercurial repository
#
# Copyright the jit authors
#
# This software may be used and distributed according to the terms of the
# GNU General Public License version 2 or any later version.
#
# SPDX-License-Identifier: GPL-2.0-or-later
#
# It imports Mercurial and so has Mercurial's licence. The program that it serves is a separate work behind a pipe.
"""what a repository holds, as records

Answers the questions of docs/spec/hg-request.md with raw bytes: nothing is decided here, and nothing is taken from a changeset's own list of
files, which is the client's claim. Loaded by ``jit_conversation.py``, which stands beside it.
"""

import collections
import struct

from mercurial import bundle2, discovery, encoding, error, extensions, manifest, obsolete, phases, tags as tagsmod
from mercurial.node import bin as frombin, nullid, nullrev
from mercurial.utils import storageutil

# The lines of longer files are not counted.
LONGEST_FILE = 8 * 1024 * 1024
CHUNK = 256 * 1024
# Bytes of manifests that are kept at hand, and of the differences that are remembered for the next hook of the same transaction.
MOST_TEXTS = 64 * 1024 * 1024
MOST_MEMORY = 16 * 1024 * 1024
# What manifests or histories of these repositories leave out, the program would not see.
UNSUPPORTED = (b'treemanifest', b'narrowhg-experimental', b'exp-remotefilelog-repo-req-1')
VIEW = b'served'


class Trouble(Exception):
    """No answer could be had; the text says why."""


# --- writing records -------------------------------------------------------------------------------------------------


def field(value):
    return struct.pack('>I', len(value)) + value


def node_list(nodes):
    nodes = list(nodes)
    return struct.pack('>I', len(nodes)) + b''.join(nodes)


def records(pairs):
    """Joins records and their end mark to one byte string; for answers that are short."""
    return b''.join(stream(pairs))


def stream(pairs):
    """Yields records and their end mark in pieces of a useful size."""
    waiting, size, count = [], 0, 0
    for tag, payload in pairs:
        waiting.append(tag + struct.pack('>I', len(payload)))
        waiting.append(payload)
        size += 5 + len(payload)
        count += 1
        if size >= CHUNK:
            yield b''.join(waiting)
            waiting, size = [], 0
    waiting.append(b'E' + struct.pack('>II', 4, count))
    yield b''.join(waiting)


def nodes_of(written):
    """Reads hex nodes that are joined by commas; a dash is none."""
    if written == b'-':
        return []
    nodes = [frombin(part) for part in written.split(b',')]
    if any(len(node) != 20 for node in nodes):
        raise Trouble(b'the program asks with a malformed node')
    return nodes


def pairs_of(written):
    if written == b'-':
        return []
    pairs = [nodes_of(part.replace(b':', b',')) for part in written.split(b',')]
    if any(len(pair) != 2 for pair in pairs):
        raise Trouble(b'the program asks with a malformed pair')
    return pairs


# --- facts -----------------------------------------------------------------------------------------------------------


class Before:
    """What the repository holds when a transaction begins; changesets that are hidden or secret do not count."""

    def __init__(self, repo, kwargs):
        view = repo.filtered(VIEW)
        self.txnid = kwargs.get(b'txnid')
        self.length = len(repo.unfiltered())
        self.hidden = view.changelog.filteredrevs
        self.branches = _branches(view)
        self.bookmarks = _bookmarks(repo)
        self.heads = frozenset(_heads(view.changelog))
        self.tags = _tags(repo.ui, view, self.heads, None)
        self.memory = Memory()

    def sees(self, rev):
        return rev < self.length and rev not in self.hidden


def _branches(view):
    """Returns open and closed heads of every named branch; obsolete heads that are still visible are left out by Mercurial."""
    branches = {}
    branchmap = view.branchmap()
    for name in branchmap:
        every = branchmap.branchheads(name, closed=True)
        still_open = list(branchmap.branchheads(name))
        known = set(still_open)
        branches[stored(name)] = (still_open, [node for node in every if node not in known])
    return branches


def _bookmarks(repo):
    return {stored(name): node for name, node in repo.unfiltered()._bookmarks.items()}


def _heads(log):
    """Returns all heads, oldest first."""
    return [log.node(rev) for rev in sorted(log.headrevs()) if rev != nullrev]


class Memory:
    """What was found out in a transaction, and will not change in it."""

    def __init__(self):
        # Of changesets, which revision of `.hgtags` they have.
        self.tag_files = {}
        # Of pairs of changesets, how their manifests differ.
        self.differences = {}
        self._size = 0

    def keep(self, pair, difference):
        self._size += len(difference)
        if self._size <= MOST_MEMORY:
            self.differences[pair] = difference


def _tags(ui, view, known, manifests):
    """Returns the tags that `.hgtags` of all heads together give; no local ones, none that were removed, none of unknown nodes.

    Mercurial remembers which `.hgtags` a head has, and finds it in the patch from one manifest to the next. Such patches come from the pusher, who
    can cut them so that a line is missed, or a false one seen. So what heads have that are not among the `known` ones is read from their whole
    manifests, and Mercurial's memory is set right, which its own commands and the clones go by. Where all are known `manifests` may be None.
    """
    heads = _heads(view.changelog)
    found = tagsmod._getfnodes(ui, view, [head for head in heads if head in known])
    unread = [head for head in heads if head not in known and head not in manifests.memory.tag_files]
    new = {head: manifests.tag_file(head) for head in heads if head not in known}
    if unread:
        memory = tagsmod.hgtagsfnodescache(view.unfiltered())
        for head in unread:
            memory.setfnode(head, new[head])
        memory.write()
    found.update((head, node) for head, node in new.items() if node != nullid)
    return tags_in(ui, view, tagsmod._filterfnodes(found, heads))


def tags_in(ui, repo, files):
    """Returns the tags that these revisions of `.hgtags` together give."""
    tags, log = tagsmod._tagsfromfnodes(ui, repo, files), repo.changelog
    # These names come as they stand in the file. What is no UTF-8 is shown as if it were Latin-1, and must be judged by the name that is shown.
    return {stored(encoding.tolocal(name)): entry[0] for name, entry in tags.items() if has(log, entry[0])}


def stored(name):
    """Returns a name as it is stored, in UTF-8.

    Mercurial shows names in the server's encoding, where that lacks a character with a question mark: rules would not know them.
    """
    return encoding.fromlocal(name)


def has(log, node):
    """Tells whether a changeset is there. Any 20 bytes may come as a node, also those that Mercurial uses for itself."""
    try:
        return log.rev(node) != nullrev
    except (error.LookupError, error.WdirUnsupported):
        return False


class Facts:
    """Answers what the program asks. Nothing is taken from a changeset's own list of files: it is the client's claim."""

    # What can be asked, by the name of the method that answers, and with how many arguments.
    QUERIES = {
        b'state': 0,
        b'targets': 0,
        b'between': 2,
        b'changesets': 1,
        b'ids': 2,
        b'reached': 2,
        b'bases': 1,
        b'differences': 1,
        b'entries': 2,
        b'files': 2,
        b'bundle': 2,
    }

    def __init__(self, repo, before):
        self._repo = repo.unfiltered()
        self._log = self._repo.changelog
        self._before = before
        self._manifests = Manifests(self._repo, Memory() if before is None else before.memory)

    def _need_before(self):
        if self._before is None:
            raise Trouble(b'what was there before is not known (is the hook pretxnopen.jit missing?)')
        return self._before

    def state(self):
        """What the transaction changes, apart from changesets."""
        view = self._repo.filtered(VIEW)
        yield from self._features()
        yield from self._obsolete_arrivals(view)
        tags = _tags(self._repo.ui, view, self._need_before().heads, self._manifests)
        yield from self._changes(_branches(view), _bookmarks(self._repo), tags, self._newly_public())
        transaction = self._repo.currenttransaction()
        for marker in transaction.changes.get(b'obsmarkers', ()):
            node = marker[0]
            yield b'O', node + field(self._branch_of(node))

    def _obsolete_arrivals(self, view):
        """Yields what arrives obsolete and yet visible, as something stands on it or names it.

        Mercurial takes it for no head of its branch here, so no rule would be asked; clients that know no markers check it out.
        """
        before, hidden = self._need_before(), view.changelog.filteredrevs
        for rev in obsolete.getrevs(self._repo, b'obsolete'):
            if rev not in hidden and not before.sees(rev):
                yield b'X', self._log.node(rev)

    def _changes(self, branches, bookmarks, tags, newly_public):
        before = self._need_before()
        yield from self._branch_moves(before, branches, newly_public)
        yield from self._moves(b'K', before.bookmarks, bookmarks)
        yield from self._moves(b'T', before.tags, tags)
        for rev in newly_public:
            if before.sees(rev):
                yield b'P', self._log.node(rev) + field(self._branch(rev))

    def _features(self):
        for name in sorted(set(self._repo.requirements) & set(UNSUPPORTED)):
            yield b'U', name
        loaded = {name for name, _module in extensions.extensions(self._repo.ui)}
        if b'largefiles' in loaded | set(self._repo.requirements):
            yield b'L', b''

    def _newly_public(self):
        public = set()
        for revs, (_old, new) in self._repo.currenttransaction().changes.get(b'phases', ()):
            if new == phases.public:
                public.update(revs)
        return sorted(public)

    def _branch(self, rev):
        return stored(self._log.branchinfo(rev)[0])

    def _branch_of(self, node):
        """Returns the branch of a changeset; nothing for one that is not here."""
        return self._branch(self._log.rev(node)) if has(self._log, node) else b''

    def _branch_moves(self, before, after, newly_public):
        none = ([], [])
        arrived = [rev for rev in newly_public if not before.sees(rev)]
        for name in sorted(set(before.branches) | set(after)):
            old, new = before.branches.get(name, none), after.get(name, none)
            if old == new or (set(old[0]), set(old[1])) == (set(new[0]), set(new[1])):
                continue
            known = set(old[0]) | set(old[1])
            gained = [node for node in new[0] + new[1] if node not in known]
            public = b'\1' if self._is_publishing(name, gained, arrived) else b'\0'
            yield b'B', field(name) + public + b''.join(node_list(nodes) for nodes in old + new)

    def _is_publishing(self, name, gained, arrived):
        """Tells whether public changesets of the branch `name` arrive. The quick look at the heads settles nearly every push."""
        if not arrived or not gained:
            return False
        found = set(arrived)
        if any(self._log.rev(node) in found for node in gained):
            return True
        return any(self._branch(rev) == name for rev in reversed(arrived))

    def _moves(self, tag, old, new):
        for name in sorted(set(old) | set(new)):
            one, two = old.get(name, nullid), new.get(name, nullid)
            if one != two:
                forward = b'\1' if self._descends(one, two) else b'\0'
                yield tag, field(name) + one + two + forward + field(self._branch_of(two))

    def _descends(self, ancestor, node):
        return has(self._log, ancestor) and has(self._log, node) and self._log.isancestor(ancestor, node)

    def targets(self):
        """Everything that existed before, with its value."""
        before = self._need_before()
        for name, (still_open, _closed) in sorted(before.branches.items()):
            if still_open:
                yield b'V', b'b' + field(name) + node_list(still_open)
        for name, node in sorted(before.bookmarks.items()):
            yield b'V', b'k' + field(name) + node_list([node])
        for name, node in sorted(before.tags.items()):
            yield b'V', b't' + field(name) + node_list([node])

    def _missing(self, heads, hidden):
        revs = [self._log.rev(node) for node in heads]
        common = [self._log.rev(node) for node in hidden if has(self._log, node)] or [nullrev]
        return reversed(self._log.findmissingrevs(common, revs)) if revs else ()

    def between(self, heads, hidden):
        """The changesets that `heads` reach and `hidden` do not, children before parents, as the changelog has them."""
        for rev in self._missing(nodes_of(heads), nodes_of(hidden)):
            yield self._changeset(self._log.node(rev))

    def changesets(self, nodes):
        """These changesets, children before parents."""
        for rev in sorted((self._log.rev(node) for node in nodes_of(nodes)), reverse=True):
            yield self._changeset(self._log.node(rev))

    def _changeset(self, node):
        one, two = self._log.parents(node)
        return b'C', node + one + two + self._log.revision(node)

    def ids(self, heads, hidden):
        """As `between`, only the nodes."""
        return self._listed([self._log.node(rev) for rev in self._missing(nodes_of(heads), nodes_of(hidden))])

    def reached(self, wanted, heads):
        """Those of `wanted` that are among `heads` or their ancestors."""
        log = self._log
        revs = {log.rev(node) for node in nodes_of(wanted) if has(log, node)}
        if not revs:
            return self._listed([])
        ancestors = log.ancestors([log.rev(node) for node in nodes_of(heads)], min(revs), inclusive=True)
        return self._listed([log.node(rev) for rev in sorted(revs) if rev in ancestors])

    def _listed(self, nodes):
        for start in range(0, len(nodes), 10000):
            yield b'I', b''.join(nodes[start : start + 10000])

    def bases(self, pairs):
        """For each pair, the heads of the common ancestors."""
        for one, two in pairs_of(pairs):
            yield b'A', node_list(self._log.commonancestorsheads(one, two))

    def differences(self, pairs):
        """For each pair, the lines in which the manifest of the second changeset differs from that of the first."""
        for one, two in pairs_of(pairs):
            yield b'D', two + self._manifests.difference(one, two)

    def entries(self, node, paths):
        """The lines of these paths in the manifest of a changeset; an empty one where there is none."""
        (node,) = nodes_of(node)
        for path in paths.split(b','):
            yield b'L', self._manifests.line(node, frombin(path))

    def files(self, path, nodes):
        """Revisions of one file as they are stored, with their parents; those that are long or not here are left empty."""
        store = self._repo.file(frombin(path))
        for node in nodes_of(nodes):
            try:
                text = store.rawdata(node)
                found = b'\1' + b''.join(store.parents(node)) + text if len(text) <= LONGEST_FILE else b'\0'
            except error.StorageError:
                found = b'\0'
            yield b'F', node + found

    def bundle(self, path, heads):
        """Writes what `heads` reach and was not there before to a file of the program's, if there is anything, and gives what that stands on.

        The changesets are still pending: nobody outside of this process can read them.
        """
        heads, log = nodes_of(heads), self._log
        outgoing = discovery.outgoing(self._repo, sorted(self._need_before().heads), heads)
        missing = {log.rev(node) for node in outgoing.missing}
        if missing:
            parts = {b'tagsfnodescache': False, b'revbranchcache': False}
            # The pusher would read how many changesets are in it.
            with self._repo.ui.silent():
                bundle2.writenewbundle(self._repo.ui, self._repo, b'bundle', frombin(path), b'HG20', outgoing, parts)
        below = {parent for rev in missing for parent in log.parentrevs(rev)} - missing - {nullrev}
        return self._listed([log.node(rev) for rev in sorted(below)] if missing else heads)


class Manifests:
    """The texts of manifests: a line for each path, sorted; and how one becomes another.

    A text has megabytes where a changeset changes a few lines, so the program is not given any: it gets the lines that change. Texts are made from their
    parents' by the patches that are stored, and the last ones are kept.
    """

    def __init__(self, repo, memory):
        self.memory = memory
        self._log = repo.changelog
        self._store = repo.manifestlog.getstorage(b'')
        self._revs = {}
        self._texts = collections.OrderedDict()
        self._size = 0

    def tag_file(self, node):
        """Returns which revision of `.hgtags` a changeset has, by its whole manifest; the null node for none."""
        if node not in self.memory.tag_files:
            line = _line_of(self._checked(node), b'.hgtags')
            self.memory.tag_files[node] = frombin(line[8:48]) if line else nullid
        return self.memory.tag_files[node]

    def _checked(self, node):
        """Returns the text of a changeset's manifest, if it is what the manifest's hash says. Mercurial does not look when it stores one."""
        # Its parent's is asked for next, and this one is soon made from that.
        self._text(self._rev(self._log.parents(node)[0]))
        rev = self._rev(node)
        text, claimed = self._text(rev), self._store.node(rev)
        if rev != nullrev and storageutil.hashrevisionsha1(text, *self._store.parents(claimed)) != claimed:
            raise Trouble(b'the manifest of a new head is not what its hash says')
        return text

    def difference(self, one, two):
        """Returns how the manifest of one changeset becomes that of another: pieces of whole lines, each before and after."""
        found = self.memory.differences.get((one, two))
        if found is None:
            found = self._find_difference(self._rev(one), self._rev(two))
            self.memory.keep((one, two), found)
        return found

    def _find_difference(self, old, new):
        if old == new:
            return b''
        base = self._text(old)
        hunks = list(_hunks(self._store.revdiff(old, new), len(base)))
        if new not in self._texts:
            self._keep(new, b''.join(_patched(base, 0, len(base), hunks)))
        return b''.join(field(before) + field(after) for before, after in _pieces(base, hunks))

    def line(self, node, path):
        """Returns the line of a path; nothing where there is none."""
        return _line_of(self._text(self._rev(node)), path)

    def _rev(self, node):
        """Returns the revision number of a changeset's manifest. Each is asked for twice: as a child's and as a parent's."""
        rev = self._revs.get(node)
        if rev is None:
            rev = nullrev if node == nullid else self._store.rev(frombin(self._log.revision(node)[:40]))
            self._revs[node] = rev
        return rev

    def _text(self, rev):
        text = self._texts.get(rev)
        if text is None:
            text = self._read(rev)
            self._keep(rev, text)
        return text

    def _read(self, rev):
        if rev == nullrev:
            return b''
        node = self._store.node(rev)
        # To hash each takes longer than all else here; `_checked` looks at those that matter. What stands on top of a clone is stored in another way.
        if type(self._store) is manifest.manifestrevlog:
            try:
                return self._store._revlog.rawdata(node, validate=False)
            except TypeError:
                # Older versions always look.
                pass
        return self._store.revision(node)

    def _keep(self, rev, text):
        self._texts[rev] = text
        self._size += len(text)
        while self._size > MOST_TEXTS and len(self._texts) > 1:
            self._size -= len(self._texts.popitem(last=False)[1])


def _line_of(text, path):
    start = path + b'\0'
    at = 0 if text.startswith(start) else text.find(b'\n' + start) + 1
    return text[at : text.find(b'\n', at) + 1] if text.startswith(start, at) else b''


def _hunks(patch, length):
    """Yields start, end and new bytes of each hunk of a patch for a text of `length` bytes."""
    at = last = 0
    while at < len(patch):
        try:
            start, end, size = struct.unpack_from('>lll', patch, at)
        except struct.error:
            raise Trouble(b'the patch of a manifest is cut off')
        at += 12 + size
        if size < 0 or at > len(patch) or not last <= start <= end <= length:
            raise Trouble(b'the patch of a manifest is malformed')
        yield start, end, patch[at - size : at]
        last = end


def _patched(base, low, high, hunks):
    """Yields the pieces of what `hunks` make of a part of `base`."""
    view = memoryview(base)
    for start, end, data in hunks:
        yield view[low:start]
        yield data
        low = end
    yield view[low:high]


def _pieces(base, hunks):
    """Yields what hunks take away and what they put there, in whole lines.

    They come from the pusher's client and may cut lines anywhere. So each is widened: by the line in which it begins and the one before, by that in
    which it ends and the one after. What a hunk tears is then in the piece, and so is a neighbour on either side that stays, by which the
    program sees that the lines are in order. Pieces that meet are one.
    """
    waiting, low, high = [], 0, 0
    for hunk in hunks:
        begin = _two_lines_back(base, hunk[0])
        if waiting and begin > high:
            yield base[low:high], b''.join(_patched(base, low, high, waiting))
            waiting = []
        if not waiting:
            low = begin
        waiting.append(hunk)
        high = _two_lines_on(base, hunk[1])
    if waiting:
        yield base[low:high], b''.join(_patched(base, low, high, waiting))


def _two_lines_back(text, at):
    start = text.rfind(b'\n', 0, at) + 1
    return text.rfind(b'\n', 0, max(start - 1, 0)) + 1


def _two_lines_on(text, at):
    end = text.find(b'\n', at) + 1 or len(text)
    return text.find(b'\n', end) + 1 or len(text)


def answer(facts, line):
    """Yields the answer to one query in pieces."""
    name, *arguments = line.split(b' ')
    if facts.QUERIES.get(name) != len(arguments):
        raise Trouble(b'the program asks what is not known here')
    return stream(getattr(facts, name.decode('ascii'))(*arguments))
