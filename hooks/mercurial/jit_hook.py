# jit_hook.py - lets the program `jit` decide about the transactions of a Mercurial repository
#
# Copyright the jit authors
#
# This software may be used and distributed according to the terms of the
# GNU General Public License version 2 or any later version.
#
# SPDX-License-Identifier: GPL-2.0-or-later
#
# It imports Mercurial and so has Mercurial's licence. The program that is started is a separate work behind a pipe.
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

Two files stand beside this one: ``jit_facts.py`` gathers facts, ``jit_conversation.py`` carries messages. They decide nothing: the program's
answer does, and whatever is not an explicit and complete "allow" refuses the transaction. How the two sides talk stands in
docs/spec/hg-request.md.
"""

import importlib.util
import os

from mercurial import bundle2, error


# A part with which a client tells which `.hgtags` a changeset has. Mercurial believes it, and keeps it also when the push is refused: whoever
# pushes would say what tags everybody sees. Passed over, Mercurial looks itself; a part that nobody knows would break `hg strip` of 6.3.
def _pass_over(_operation, part):
    part.read()


_pass_over.params = frozenset()
bundle2.parthandlermapping[b'hgtagsfnodes'] = _pass_over


def pretxnopen(ui, repo, **kwargs):
    """remember what the repository holds before the transaction"""
    return _conversation(repo, afresh=True).remember(ui, repo, kwargs)


def pretxnchangegroup(ui, repo, **kwargs):
    """have arriving changesets judged early"""
    return _conversation(repo).judge_early(ui, repo, b'pretxnchangegroup', kwargs)


def pretxnclose(ui, repo, **kwargs):
    """have the whole transaction judged"""
    return _conversation(repo).judge(ui, repo, b'pretxnclose', kwargs)


def txnclose(ui, repo, **kwargs):
    """report that the transaction was made"""
    return _conversation(repo).tell(ui, repo, b'txnclose', kwargs)


def txnabort(ui, repo, **kwargs):
    """report that the transaction was undone"""
    return _conversation(repo).tell(ui, repo, b'txnabort', kwargs)


def _conversation(repo, afresh=False):
    """Returns ``jit_conversation.py``. Mercurial loads this file for each hook; that one is loaded once for a transaction."""
    repo = repo.unfiltered()
    if afresh or not hasattr(repo, '_jit_conversation'):
        path = os.path.join(os.path.dirname(__file__), 'jit_conversation.py')
        try:
            spec = importlib.util.spec_from_file_location('jit_conversation', path)
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
        except BaseException as cause:
            # Whatever it is: what is no Abort may end Mercurial as if all had gone well.
            why = '%s: %s' % (type(cause).__name__, cause)
            raise error.Abort(b'jit: could not decide: the hook failed: ' + why.encode('ascii', 'backslashreplace'))
        repo._jit_conversation = module
    return repo._jit_conversation
