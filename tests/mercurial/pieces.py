"""asserts that the pieces of lines that the hooks' script tells are what a comparison of both whole manifests gives

``pieces.py FOLDER SEED ROUNDS``; FOLDER holds the script.
"""

import importlib.util
import os
import random
import struct
import sys

folder, seed, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
spec = importlib.util.spec_from_file_location('jit_facts', os.path.join(folder, 'jit_facts.py'))
jit_facts = importlib.util.module_from_spec(spec)
spec.loader.exec_module(jit_facts)


def manifest(entries):
    return b''.join(path + b'\0' + digit * 40 + b'\n' for path, digit in sorted(entries.items()))


def patch(hunks):
    return b''.join(struct.pack('>lll', start, end, len(data)) + data for start, end, data in hunks)


def lines(text):
    assert not text or text.endswith(b'\n'), text
    return text.splitlines(True)


def check(old, new, hunks):
    """Whoever reads the pieces must find every line that goes or comes, and with it the lines beside."""
    read = list(jit_facts._hunks(patch(hunks), len(old)))
    assert read == hunks, (read, hunks)
    assert b''.join(jit_facts._patched(old, 0, len(old), read)) == new
    befores, afters, at = [], [], 0
    for before, after in jit_facts._pieces(old, read):
        befores += lines(before)
        afters += lines(after)
        place = old.find(before, at)
        assert place >= 0 and (place == 0 or old[place - 1 : place] == b'\n'), (before, old)
        # What stands before and after a piece stands in it, unless the text begins or ends there.
        assert place == 0 or before.splitlines()[0] == after.splitlines()[0], (before, after)
        at = place + len(before)
        assert at == len(old) or before.splitlines()[-1] == after.splitlines()[-1], (before, after)
    one, two = set(lines(old)), set(lines(new))
    assert set(befores) - set(afters) == one - two, (old, new, hunks)
    assert set(afters) - set(befores) == two - one, (old, new, hunks)
    assert befores == sorted(befores) and afters == sorted(afters), (befores, afters)


def cut(chance, old, new):
    """A patch as a client may write it: hunks that begin and end anywhere, and some that change nothing."""
    same = 0
    while same < min(len(old), len(new)) and old[same] == new[same]:
        same += 1
    tail = 0
    while tail < min(len(old), len(new)) - same and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    hunks = [(same, len(old) - tail, new[same : len(new) - tail])]
    start, end, data = hunks[0]
    if chance.random() < 0.5:
        middle, place = chance.randint(start, end), chance.randint(0, len(data))
        hunks = [(start, middle, data[:place]), (middle, end, data[place:])]
    if start and chance.random() < 0.5:
        first = chance.randint(0, start)
        last = chance.randint(first, start)
        hunks.insert(0, (first, last, old[first:last]))
    return hunks


chance = random.Random(seed)
names = [bytes([one]) + (bytes([two]) if two else b'') for one in b'abcdef' for two in (0, 97, 98)]
for _round in range(rounds):
    old, new = ({name: chance.choice((b'1', b'2')) for name in names if chance.random() < share} for share in (0.6, 0.6))
    if chance.random() < 0.7:
        new = dict(old)
        for name in chance.sample(names, chance.randint(0, 3)):
            if chance.random() < 0.4:
                new.pop(name, None)
            else:
                new[name] = b'3'
    one, two = manifest(old), manifest(new)
    check(one, two, cut(chance, one, two))

three = manifest({b'a': b'1', b'b': b'1', b'c': b'1'})
refused = [
    patch([(0, len(three) + 1, b'')]),
    patch([(2, 1, b'')]),
    patch([(5, 6, b''), (0, 1, b'')]),
    patch([(-1, 1, b'')]),
    patch([(0, 0, b'')])[:11],
    patch([(0, 0, b'xy')])[:13],
    struct.pack('>lll', 0, 0, -12),
]
for wrong in refused:
    try:
        list(jit_facts._hunks(wrong, len(three)))
    except jit_facts.Trouble:
        continue
    raise AssertionError(wrong)
print('ok')
