# jit_conversation.py - carries the questions of the program `jit` and its answer between a hook and the program
#
# Copyright the jit authors
#
# This software may be used and distributed according to the terms of the
# GNU General Public License version 2 or any later version.
#
# SPDX-License-Identifier: GPL-2.0-or-later
#
# It imports Mercurial and so has Mercurial's licence. The program that it starts is a separate work behind a pipe.
"""ask the program, and do as it says

Starts the program, tells it what happens, answers what it asks (docs/spec/hg-request.md), and turns everything but a complete and explicit
"allow" into a refusal. Loaded by ``jit_hook.py``, once for a transaction, and by ``jit_clone.py``; ``jit_facts.py`` stands beside it.
"""

import importlib.util
import os
import select
import signal
import subprocess
import time

from mercurial import error, obsolete, phases, pycompat, util

PREFACE = b'jit-hg-request/v3\n'
REPLY = b'jit-hg-reply/v1 '
DEFAULT_TIMEOUT = 60
# One query names at most a few hundred thousand nodes.
LONGEST_LINE = 32 * 1024 * 1024
MOST_STDERR = 64 * 1024
MOST_ABORT = 255
CHUNK = 256 * 1024


def _beside(name):
    """Loads another of our scripts from the folder of this one."""
    spec = importlib.util.spec_from_file_location(name, os.path.join(os.path.dirname(__file__), name + '.py'))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


jit_facts = _beside('jit_facts')
Trouble = jit_facts.Trouble


# --- the hooks -------------------------------------------------------------------------------------------------------


def remember(ui, repo, kwargs):
    """Remembers what the repository holds before the transaction."""

    def run():
        if settings(ui, repo) is not None:
            repo.unfiltered()._jit_before = jit_facts.Before(repo, _bytes_kwargs(kwargs))

    return _guarded(run)


def judge(ui, repo, hook, kwargs):
    """Has the program judge what stands in the transaction."""
    return _guarded(lambda: _judge(ui, repo, hook, kwargs))


def judge_early(ui, repo, hook, kwargs):
    """As `judge`, where what is refused now would also be refused when the rest of the push has arrived.

    Markers come after the changesets and may hide heads; where they are exchanged only ``pretxnclose`` can tell.
    """
    if kwargs.get('source') not in (b'serve', b'push') or obsolete.isenabled(repo, obsolete.exchangeopt):
        return False
    return judge(ui, repo, hook, kwargs)


def tell(ui, repo, hook, kwargs):
    """Tells the program how the transaction ended. There is nothing left to refuse, so trouble is only told."""
    try:
        _tell(ui, repo, hook, kwargs)
    except Exception as cause:
        say(ui, b'jit: the outcome was not recorded: ' + describe(cause))
    # A server may keep the repository open for long.
    repo.unfiltered()._jit_before = None
    return False


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
        _refuse(b'the hook failed: ' + describe(cause))
    return False


def _refuse(why):
    _abort(b'jit: could not decide: ' + why, b'nothing was changed; whoever runs the server finds the cause with `jit doctor`')


def _abort(why, hint):
    # What is longer does not fit into a parameter of a bundle: Mercurial would break the connection without saying why.
    abort = error.Abort(why[:MOST_ABORT], hint=hint[:MOST_ABORT] or None)
    # Mercurial prints this in a warning as well, before the reason: once is enough.
    abort.args = (b'refused by jit',)
    raise abort


def describe(cause):
    if isinstance(cause, Trouble):
        return cause.args[0]
    text = '%s: %s' % (type(cause).__name__, cause)
    return text.encode('ascii', 'backslashreplace').replace(b'\n', b' ')


def say(ui, line):
    # A child's own output is lost over HTTP; what goes through `ui` reaches the pusher on every transport.
    ui.warn(line + b'\n')


def settings(ui, repo):
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


def _judge(ui, repo, hook, kwargs):
    found = settings(ui, repo)
    if found is None:
        return
    kwargs = _bytes_kwargs(kwargs)
    before = getattr(repo.unfiltered(), '_jit_before', None)
    if before is not None and before.txnid != kwargs.get(b'txnid'):
        before = None
    reply = converse(ui, found, hook, kwargs, repo, jit_facts.Facts(repo, before))
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
    found = settings(ui, repo)
    if found is None:
        return
    kwargs = _bytes_kwargs(kwargs)
    txnid, later = getattr(repo.unfiltered(), '_jit_later', (None, None))
    if later is not None and txnid == kwargs.get(b'txnid'):
        kwargs[b'later'] = later
    reply = converse(ui, found, hook, kwargs, repo, None)
    if not reply.allowed:
        raise Trouble(b' '.join(reply.abort))


def _bytes_kwargs(kwargs):
    return {pycompat.sysbytes(key): value for key, value in kwargs.items()}


# --- talking to the program ------------------------------------------------------------------------------------------


def converse(ui, settings, hook, kwargs, repo, facts):
    """Starts the program, tells it what happens, answers what it asks, passes on what it says, and returns its reply."""
    binary, folder, timeout = settings
    child = Child([binary, b'hook', b'hg-' + hook], timeout)
    try:
        child.send(PREFACE)
        child.send(jit_facts.records(header(hook, folder, kwargs, repo)))
        child.flush()
        # What is always asked first is gathered while the program starts.
        early = {} if facts is None else {b'state': b''.join(jit_facts.answer(facts, b'state'))}
        while True:
            line = child.line()
            if line.startswith(REPLY):
                break
            if facts is None:
                raise Trouble(b'the program asks where there is nothing to ask')
            for piece in [early.pop(line)] if line in early else jit_facts.answer(facts, line):
                child.send(piece)
        reply = Reply(line[len(REPLY) :], child)
        status = child.finish()
    finally:
        for talk in child.kill():
            say(ui, talk)
    if status != 0 and reply.allowed:
        raise Trouble(b'the program allowed but ended with status %d' % status)
    for line in reply.said:
        say(ui, line)
    return reply


def header(hook, folder, kwargs, repo):
    def pair(key, value):
        return b'H', jit_facts.field(key) + jit_facts.field(value)

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
                self.publish.extend(jit_facts.nodes_of(text))
            elif key == b'name' and self.allowed:
                self.name.append((text.split()[0], jit_facts.nodes_of(text.split()[1])[0]))
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
            raise Trouble(b'cannot start the program: ' + describe(cause))
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

    def flush(self):
        """Gives the program all that still waits for it."""
        while self._outbox:
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


