# jit_hook.py - lets the program `jit` decide about the transactions of a Mercurial repository
#
# Copyright the jit authors
#
# This software may be used and distributed according to the terms of the
# GNU General Public License version 2 or any later version.
#
# SPDX-License-Identifier: GPL-2.0-or-later
#
# It imports Mercurial and so has Mercurial's licence. The program that it starts is a separate work behind a pipe.
"""let ``jit`` decide which pushes may land

Works with Mercurial 6.3 to 7.2. Installation writes lines like these to the repository's ``.hg/hgrc``::

  [hooks]
  pretxnopen.jit = python:/srv/repo/.hg/jit/jit_hook.py:pretxnopen
  pretxnchangegroup.jit = python:/srv/repo/.hg/jit/jit_hook.py:pretxnchangegroup
  pretxnclose.jit = python:/srv/repo/.hg/jit/jit_hook.py:pretxnclose
  txnclose.jit = python:/srv/repo/.hg/jit/jit_hook.py:txnclose
  txnabort.jit = python:/srv/repo/.hg/jit/jit_hook.py:txnabort

  [jit]
  binary = /usr/local/bin/jit
  folder = /srv/repo/.hg/jit
  timeout = 60

``binary`` and ``folder`` are absolute paths; both are required. ``timeout`` is how many seconds the program may take; past it the
push is refused. In a system-wide configuration the hooks run in every repository; ``folder`` may then be left out and is
``jit`` inside the ``.hg`` that holds the store, and ``unmanaged = allow`` leaves repositories without that folder alone.

``pretxnopen`` remembers what the repository holds before a transaction. ``pretxnchangegroup`` has arriving changesets judged early.
``pretxnclose`` has the whole transaction judged, whatever it consists of; nothing lands without it. ``txnclose`` and
``txnabort`` report how it ended.

This file gathers facts and carries messages. It decides nothing: the program's answer does, and whatever is not an explicit
and complete "allow" refuses the transaction. How the two talk stands in docs/spec/hg-request.md.
"""

import os
import select
import signal
import struct
import subprocess
import time

from mercurial import bundle2, discovery, encoding, error, extensions, obsolete, phases, pycompat, tags as tagsmod, util
from mercurial.node import bin as frombin, nullid, nullrev

PREFACE = b'jit-hg-request/v2\n'
REPLY = b'jit-hg-reply/v1 '
DEFAULT_TIMEOUT = 60
# The lines of longer files are not counted.
LONGEST_FILE = 8 * 1024 * 1024
# One query names at most a few hundred thousand nodes.
LONGEST_LINE = 32 * 1024 * 1024
MOST_STDERR = 64 * 1024
MOST_ABORT = 255
CHUNK = 256 * 1024
# What manifests or histories of these repositories leave out, the program would not see.
UNSUPPORTED = (b'treemanifest', b'narrowhg-experimental', b'exp-remotefilelog-repo-req-1')
VIEW = b'served'
# A part with which a client tells which `.hgtags` a changeset has. Mercurial believes it, and keeps it also when the push is refused: whoever
# pushes would say what tags everybody sees. Passed over, Mercurial looks itself; a part that nobody knows would break `hg strip` of 6.3.
def _pass_over(_operation, part):
    part.read()


_pass_over.params = frozenset()
bundle2.parthandlermapping[b'hgtagsfnodes'] = _pass_over


class Trouble(Exception):
    """No answer could be had; the text says why."""


# --- the hooks -------------------------------------------------------------------------------------------------------


def pretxnopen(ui, repo, **kwargs):
    """remember what the repository holds before the transaction"""

    def run():
        if _settings(ui, repo) is not None:
            repo.unfiltered()._jit_before = Before(repo, _bytes_kwargs(kwargs))

    return _guarded(run)


def pretxnchangegroup(ui, repo, **kwargs):
    """have arriving changesets judged early"""

    def run():
        if _tells_all(repo, kwargs):
            _judge(ui, repo, b'pretxnchangegroup', kwargs)

    return _guarded(run)


def pretxnclose(ui, repo, **kwargs):
    """have the whole transaction judged"""
    return _guarded(lambda: _judge(ui, repo, b'pretxnclose', kwargs))


def txnclose(ui, repo, **kwargs):
    """report that the transaction was made"""
    return _reported(ui, lambda: _tell(ui, repo, b'txnclose', kwargs))


def txnabort(ui, repo, **kwargs):
    """report that the transaction was undone"""
    return _reported(ui, lambda: _tell(ui, repo, b'txnabort', kwargs))


def _guarded(run):
    """Calls ``run``; whatever goes wrong becomes the one exception that Mercurial shows on every transport, also with -q.

    SystemExit and KeyboardInterrupt too: an exit with status 0 would undo the transaction and tell the client that all went well.
    """
    try:
        run()
    except error.Abort:
        raise
    except Trouble as trouble:
        _refuse(trouble.args[0])
    except BaseException as cause:
        _refuse(b'the hook failed: ' + _describe(cause))
    return False


def _refuse(why):
    _abort(b'jit: could not decide: ' + why, b'nothing was changed; whoever runs the server finds the cause with `jit doctor`')


def _abort(why, hint):
    # What is longer does not fit into a parameter of a bundle: Mercurial would break the connection without saying why.
    abort = error.Abort(why[:MOST_ABORT], hint=hint[:MOST_ABORT] or None)
    # Mercurial prints this in a warning as well, before the reason: once is enough.
    abort.args = (b'refused by jit',)
    raise abort


def _reported(ui, run):
    """Calls ``run`` after the fact: there is nothing left to refuse, so trouble is only told."""
    try:
        run()
    except Exception as cause:
        _say(ui, b'jit: the outcome was not recorded: ' + _describe(cause))
    return False


def _describe(cause):
    if isinstance(cause, Trouble):
        return cause.args[0]
    text = '%s: %s' % (type(cause).__name__, cause)
    return text.encode('ascii', 'backslashreplace').replace(b'\n', b' ')


def _say(ui, line):
    # A child's own output is lost over HTTP; what goes through `ui` reaches the pusher on every transport.
    ui.warn(line + b'\n')


def _settings(ui, repo):
    """Returns binary, folder and timeout; None where the administrator leaves such repositories alone."""
    folder = ui.config(b'jit', b'folder', None) or os.path.join(repo.sharedpath, b'jit')
    if not os.path.isdir(folder):
        if ui.config(b'jit', b'unmanaged', None) == b'allow':
            return None
        raise Trouble(b'there is no folder ' + folder)
    binary = ui.config(b'jit', b'binary', None)
    if not binary or not os.path.isabs(binary) or not os.path.isabs(folder):
        raise Trouble(b'[jit] in the configuration does not give absolute paths')
    written = ui.config(b'jit', b'timeout', None) or b'%d' % DEFAULT_TIMEOUT
    if not written.isdigit() or not 0 < int(written) <= 3600:
        raise Trouble(b'[jit] timeout is not a number of seconds')
    return binary, folder, int(written)


# --- talking to the program ------------------------------------------------------------------------------------------


def _judge(ui, repo, hook, kwargs):
    settings = _settings(ui, repo)
    if settings is None:
        return
    kwargs = _bytes_kwargs(kwargs)
    before = getattr(repo.unfiltered(), '_jit_before', None)
    if before is not None and before.txnid != kwargs.get(b'txnid'):
        before = None
    reply = _converse(ui, settings, hook, kwargs, repo, Facts(repo, before))
    if not reply.allowed:
        _abort(b'\n'.join(reply.abort), b'\n'.join(reply.hint))
    # Of one transaction only what was said last.
    repo.unfiltered()._jit_later = (kwargs.get(b'txnid'), reply.later)
    if reply.name:
        repo._bookmarks.applychanges(repo, repo.currenttransaction(), reply.name)
    if reply.publish:
        # Public changesets cannot be hidden by anybody's markers.
        unfiltered = repo.unfiltered()
        phases.advanceboundary(unfiltered, unfiltered.currenttransaction(), phases.public, reply.publish)


def _tell(ui, repo, hook, kwargs):
    settings = _settings(ui, repo)
    if settings is None:
        return
    kwargs = _bytes_kwargs(kwargs)
    txnid, later = getattr(repo.unfiltered(), '_jit_later', (None, None))
    if later is not None and txnid == kwargs.get(b'txnid'):
        kwargs[b'later'] = later
    reply = _converse(ui, settings, hook, kwargs, repo, None)
    if not reply.allowed:
        raise Trouble(b' '.join(reply.abort))


def _tells_all(repo, kwargs):
    """Tells whether a push is refused early for what it will still be when the rest of it has arrived.

    Markers come after the changesets and may hide heads; where they are exchanged only ``pretxnclose`` can tell.
    """
    return kwargs.get('source') in (b'serve', b'push') and not obsolete.isenabled(repo, obsolete.exchangeopt)


def _bytes_kwargs(kwargs):
    return {pycompat.sysbytes(key): value for key, value in kwargs.items()}


def _converse(ui, settings, hook, kwargs, repo, facts):
    """Starts the program, tells it what happens, answers what it asks, passes on what it says, and returns its reply."""
    binary, folder, timeout = settings
    child = Child([binary, b'hook', b'hg-' + hook], timeout)
    try:
        child.send(PREFACE)
        child.send(_records(_header(hook, folder, kwargs, repo)))
        while True:
            line = child.line()
            if line.startswith(REPLY):
                break
            if facts is None:
                raise Trouble(b'the program asks where there is nothing to ask')
            for piece in _answer(facts, line):
                child.send(piece)
        reply = Reply(line[len(REPLY) :], child)
        status = child.finish()
    finally:
        for talk in child.kill():
            _say(ui, talk)
    if status != 0 and reply.allowed:
        raise Trouble(b'the program allowed but ended with status %d' % status)
    for line in reply.said:
        _say(ui, line)
    return reply


def _header(hook, folder, kwargs, repo):
    def pair(key, value):
        return b'H', _field(key) + _field(value)

    yield pair(b'hook', hook)
    yield pair(b'folder', folder)
    yield pair(b'repository', repo.root)
    for key in (b'txnname', b'txnid', b'source', b'url', b'later'):
        value = kwargs.get(key)
        if key == b'url' and value is None:
            value = _web_url(repo.ui.environ)
        if isinstance(value, bytes):
            yield pair(key, value)
    for key, value in sorted(kwargs.items()):
        if key.startswith(b'USERVAR_') and isinstance(value, bytes):
            yield pair(b'uservar:' + key[len(b'USERVAR_') :], value)


def _web_url(environ):
    """Returns the URL that Mercurial gives the hooks of a push, for the old commands that come by the web without one."""
    scheme = environ.get(b'wsgi.url_scheme')
    if scheme not in (b'http', b'https'):
        return None
    host, who = environ.get(b'REMOTE_HOST') or b'', environ.get(b'REMOTE_USER') or b''
    return b'remote:%s:%s:%s' % (scheme, util.urlreq.quote(host), util.urlreq.quote(who))


class Reply:
    """What the program answers: complete, or an exception."""

    def __init__(self, verdict, child):
        if verdict not in (b'allow', b'deny'):
            raise Trouble(b'the program answers neither allow nor deny')
        self.allowed = verdict == b'allow'
        self.said = []
        self.abort = []
        self.hint = []
        self.publish = []
        self.name = []
        self.later = None
        while True:
            line = child.line()
            if line == b'end':
                break
            key, space, text = line.partition(b' ')
            if key == b'say' and space:
                self.said.append(text)
            elif key == b'abort' and space and not self.allowed:
                self.abort.append(text)
            elif key == b'hint' and space and not self.allowed:
                self.hint.append(text)
            elif key == b'publish' and self.allowed:
                self.publish.extend(_nodes(text))
            elif key == b'name' and self.allowed:
                self.name.append((text.split()[0], _nodes(text.split()[1])[0]))
            elif key == b'later' and self.allowed and self.later is None:
                self.later = text
            else:
                raise Trouble(b'the answer of the program is malformed')
        if not self.allowed and not self.abort:
            raise Trouble(b'the program denies without a reason')


class Child:
    """The program, its three pipes, and the time that it has left. Never waits longer than that."""

    def __init__(self, argv, seconds):
        self._end = time.monotonic() + seconds
        try:
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                # A group of its own, so that what it has started can be ended with it.
                start_new_session=True,
            )
        except OSError as cause:
            raise Trouble(b'cannot start the program: ' + _describe(cause))
        self._stdin, self._stdout, self._stderr = (
            stream.fileno() for stream in (self._process.stdin, self._process.stdout, self._process.stderr)
        )
        for pipe in (self._stdin, self._stdout, self._stderr):
            os.set_blocking(pipe, False)
        self._outbox = bytearray()
        self._inbox = bytearray()
        self._talk = bytearray()
        self._open = {self._stdout, self._stderr}

    def send(self, data):
        """Gives ``data`` to the program; returns when not much of it waits any more."""
        self._outbox += data
        while len(self._outbox) > CHUNK:
            self._step()

    def line(self):
        """Returns the next line that the program writes, without its newline."""
        searched = 0
        while True:
            at = self._inbox.find(b'\n', searched)
            if at >= 0:
                line = bytes(self._inbox[:at])
                del self._inbox[: at + 1]
                return line
            searched = len(self._inbox)
            if searched > LONGEST_LINE:
                raise Trouble(b'the program writes a line without end')
            if self._stdout not in self._open:
                raise Trouble(b'the program ended without an answer' + self._status())
            self._step()

    def finish(self):
        """Waits for the program's end and returns its status; it may write nothing more."""
        self._outbox.clear()
        while self._stdout in self._open and not self._inbox:
            self._step()
        if self._inbox:
            raise Trouble(b'the program goes on after its answer')
        try:
            return self._process.wait(timeout=max(0.01, self._end - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise Trouble(b'the program took too long')

    def kill(self):
        """Ends the program if it still runs, closes the pipes, and returns the lines of its standard error."""
        if self._process.poll() is None:
            try:
                os.killpg(self._process.pid, signal.SIGKILL)
            except OSError:
                pass
            self._process.wait()
        self._drain(self._stderr, self._talk)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            try:
                stream.close()
            except OSError:
                pass
        return bytes(self._talk[:MOST_STDERR]).splitlines()

    def _status(self):
        try:
            status = self._process.wait(timeout=max(0.01, min(1.0, self._end - time.monotonic())))
        except subprocess.TimeoutExpired:
            return b''
        return b' (killed by signal %d)' % -status if status < 0 else b' (status %d)' % status

    def _step(self):
        left = self._end - time.monotonic()
        if left <= 0:
            raise Trouble(b'the program took too long')
        # poll, not select: a server may have more than 1,024 files open.
        poll = select.poll()
        for pipe in self._open:
            poll.register(pipe, select.POLLIN)
        if self._outbox:
            poll.register(self._stdin, select.POLLOUT)
        for pipe, _events in poll.poll(int(left * 1000) + 1):
            if pipe == self._stdin:
                self._write()
            elif pipe == self._stdout:
                self._drain(pipe, self._inbox)
            else:
                self._drain(pipe, self._talk)
                del self._talk[MOST_STDERR:]

    def _write(self):
        try:
            del self._outbox[: os.write(self._stdin, self._outbox[:CHUNK])]
        except BlockingIOError:
            pass
        except OSError:
            # It reads no more; its answer, if there is one, still counts.
            self._outbox.clear()

    def _drain(self, pipe, into):
        if pipe not in self._open:
            return
        try:
            data = os.read(pipe, CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b''
        if data:
            into += data
        else:
            self._open.discard(pipe)


# --- writing records -------------------------------------------------------------------------------------------------


def _field(value):
    return struct.pack('>I', len(value)) + value


def _node_list(nodes):
    nodes = list(nodes)
    return struct.pack('>I', len(nodes)) + b''.join(nodes)


def _records(pairs):
    """Joins records and their end mark to one byte string; for answers that are short."""
    return b''.join(_stream(pairs))


def _stream(pairs):
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


def _nodes(written):
    """Reads hex nodes that are joined by commas; a dash is none."""
    if written == b'-':
        return []
    nodes = [frombin(part) for part in written.split(b',')]
    if any(len(node) != 20 for node in nodes):
        raise Trouble(b'the program asks with a malformed node')
    return nodes


def _pairs(written):
    if written == b'-':
        return []
    pairs = [_nodes(part.replace(b':', b',')) for part in written.split(b',')]
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
        self.tags = _tags(repo.ui, view, self.heads)

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
        branches[_stored(name)] = (still_open, [node for node in every if node not in known])
    return branches


def _bookmarks(repo):
    return {_stored(name): node for name, node in repo.unfiltered()._bookmarks.items()}


def _heads(log):
    """Returns all heads, oldest first."""
    return [log.node(rev) for rev in sorted(log.headrevs()) if rev != nullrev]


def _tags(ui, view, known):
    """Returns the tags that `.hgtags` of all heads together give; no local ones, none that were removed, none of unknown nodes.

    Mercurial remembers which `.hgtags` a head has, and finds it in the patch from one manifest to the next. Such patches come from the pusher, who
    can cut them so that a line is missed, or a false one seen. So what heads have that are not among the `known` ones is read from their whole
    manifests, and Mercurial's memory is set right, which its own commands and the clones go by.
    """
    heads = _heads(view.changelog)
    found = tagsmod._getfnodes(ui, view, [head for head in heads if head in known])
    new = {head: _tag_file(view, head) for head in heads if head not in known}
    if new:
        memory = tagsmod.hgtagsfnodescache(view.unfiltered())
        for head, node in new.items():
            memory.setfnode(head, node)
        memory.write()
        found.update((head, node) for head, node in new.items() if node != nullid)
    return _tags_in(ui, view, tagsmod._filterfnodes(found, heads))


def _tags_in(ui, repo, files):
    """Returns the tags that these revisions of `.hgtags` together give."""
    tags, log = tagsmod._tagsfromfnodes(ui, repo, files), repo.changelog
    # These names come as they stand in the file. What is no UTF-8 is shown as if it were Latin-1, and must be judged by the name that is shown.
    return {_stored(encoding.tolocal(name)): entry[0] for name, entry in tags.items() if _has(log, entry[0])}


def _tag_file(repo, node):
    """Returns which revision of `.hgtags` a changeset has, by its whole manifest; the null node for none."""
    manifest = repo.manifestlog.getstorage(b'').revision(frombin(repo.changelog.revision(node)[:40]))
    name = b'.hgtags\0'
    start = 0 if manifest.startswith(name) else manifest.find(b'\n' + name) + 1
    if not manifest.startswith(name, start):
        return nullid
    start += len(name)
    return frombin(manifest[start : start + 40])


def _stored(name):
    """Returns a name as it is stored, in UTF-8.

    Mercurial shows names in the server's encoding, where that lacks a character with a question mark: rules would not know them.
    """
    return encoding.fromlocal(name)


def _has(log, node):
    """Tells whether a changeset is there. Any 20 bytes may come as a node, also those that Mercurial uses for itself."""
    try:
        return log.rev(node) != nullrev
    except (error.LookupError, error.WdirUnsupported):
        return False


class Facts:
    """Answers what the program asks. Nothing is taken from a changeset's own list of files: it is the client's claim."""

    # What can be asked, by the name of the method that answers, and with how many arguments.
    QUERIES = {
        **dict.fromkeys((b'state', b'targets'), 0),
        **dict.fromkeys((b'changesets', b'bases', b'manifests', b'deltas'), 1),
        **dict.fromkeys((b'between', b'ids', b'reached', b'files', b'bundle'), 2),
    }

    def __init__(self, repo, before):
        self._repo = repo.unfiltered()
        self._log = self._repo.changelog
        self._before = before
        self._manifests = self._repo.manifestlog.getstorage(b'')
        self._manifest_revs = {}

    def _need_before(self):
        if self._before is None:
            raise Trouble(b'what was there before is not known (is the hook pretxnopen.jit missing?)')
        return self._before

    def state(self):
        """What the transaction changes, apart from changesets."""
        view = self._repo.filtered(VIEW)
        yield from self._features()
        yield from self._obsolete_arrivals(view)
        tags = _tags(self._repo.ui, view, self._need_before().heads)
        yield from self._changes(_branches(view), _bookmarks(self._repo), tags, self._newly_public())
        transaction = self._repo.currenttransaction()
        for marker in transaction.changes.get(b'obsmarkers', ()):
            node = marker[0]
            yield b'O', node + _field(self._branch_of(node))

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
                yield b'P', self._log.node(rev) + _field(self._branch(rev))

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
        return _stored(self._log.branchinfo(rev)[0])

    def _branch_of(self, node):
        """Returns the branch of a changeset; nothing for one that is not here."""
        return self._branch(self._log.rev(node)) if _has(self._log, node) else b''

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
            yield b'B', _field(name) + public + b''.join(_node_list(nodes) for nodes in old + new)

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
                yield tag, _field(name) + one + two + forward + _field(self._branch_of(two))

    def _descends(self, ancestor, node):
        return _has(self._log, ancestor) and _has(self._log, node) and self._log.isancestor(ancestor, node)

    def targets(self):
        """Everything that existed before, with its value."""
        before = self._need_before()
        for name, (still_open, _closed) in sorted(before.branches.items()):
            if still_open:
                yield b'V', b'b' + _field(name) + _node_list(still_open)
        for name, node in sorted(before.bookmarks.items()):
            yield b'V', b'k' + _field(name) + _node_list([node])
        for name, node in sorted(before.tags.items()):
            yield b'V', b't' + _field(name) + _node_list([node])

    def _missing(self, heads, hidden):
        revs = [self._log.rev(node) for node in heads]
        common = [self._log.rev(node) for node in hidden if _has(self._log, node)] or [nullrev]
        return reversed(self._log.findmissingrevs(common, revs)) if revs else ()

    def between(self, heads, hidden):
        """The changesets that `heads` reach and `hidden` do not, children before parents, as the changelog has them."""
        for rev in self._missing(_nodes(heads), _nodes(hidden)):
            yield self._changeset(self._log.node(rev))

    def changesets(self, nodes):
        """These changesets, children before parents."""
        for rev in sorted((self._log.rev(node) for node in _nodes(nodes)), reverse=True):
            yield self._changeset(self._log.node(rev))

    def _changeset(self, node):
        one, two = self._log.parents(node)
        return b'C', node + one + two + self._log.revision(node)

    def ids(self, heads, hidden):
        """As `between`, only the nodes."""
        return self._listed([self._log.node(rev) for rev in self._missing(_nodes(heads), _nodes(hidden))])

    def reached(self, wanted, heads):
        """Those of `wanted` that are among `heads` or their ancestors."""
        log = self._log
        revs = {log.rev(node) for node in _nodes(wanted) if _has(log, node)}
        if not revs:
            return self._listed([])
        ancestors = log.ancestors([log.rev(node) for node in _nodes(heads)], min(revs), inclusive=True)
        return self._listed([log.node(rev) for rev in sorted(revs) if rev in ancestors])

    def _listed(self, nodes):
        for start in range(0, len(nodes), 10000):
            yield b'I', b''.join(nodes[start : start + 10000])

    def bases(self, pairs):
        """For each pair, the heads of the common ancestors."""
        for one, two in _pairs(pairs):
            yield b'A', _node_list(self._log.commonancestorsheads(one, two))

    def manifests(self, nodes):
        """The whole manifests of changesets."""
        store = self._manifests
        for node in _nodes(nodes):
            yield b'M', node + store.revision(store.node(self._manifest(node)))

    def deltas(self, pairs):
        """For each pair, how the manifest of the first changeset becomes that of the second."""
        store = self._manifests
        for one, two in _pairs(pairs):
            yield b'D', two + store.revdiff(self._manifest(one), self._manifest(two))

    def files(self, path, nodes):
        """Revisions of one file as they are stored, with their parents; those that are long or not here are left empty."""
        store = self._repo.file(frombin(path))
        for node in _nodes(nodes):
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
        heads, log = _nodes(heads), self._log
        outgoing = discovery.outgoing(self._repo, sorted(self._need_before().heads), heads)
        missing = {log.rev(node) for node in outgoing.missing}
        if missing:
            parts = {b'tagsfnodescache': False, b'revbranchcache': False}
            # The pusher would read how many changesets are in it.
            with self._repo.ui.silent():
                bundle2.writenewbundle(self._repo.ui, self._repo, b'bundle', frombin(path), b'HG20', outgoing, parts)
        below = {parent for rev in missing for parent in log.parentrevs(rev)} - missing - {nullrev}
        return self._listed([log.node(rev) for rev in sorted(below)] if missing else heads)

    def _manifest(self, node):
        """Returns the revision number of a changeset's manifest. Each is asked for twice: as a child's and as a parent's."""
        rev = self._manifest_revs.get(node)
        if rev is None:
            rev = self._manifests.rev(frombin(self._log.revision(node)[:40]))
            self._manifest_revs[node] = rev
        return rev


def _answer(facts, line):
    """Yields the answer to one query in pieces."""
    name, *arguments = line.split(b' ')
    if facts.QUERIES.get(name) != len(arguments):
        raise Trouble(b'the program asks what is not known here')
    return _stream(getattr(facts, name.decode('ascii'))(*arguments))
