"""Regular expressions that strangers' texts will meet: judged by their form before any text is seen.

letters.py      which characters two atoms share
positions.py    a pattern as an automaton
slow.py         whether some text could keep it busy
judged.py       the patterns of a model's input rules, compiled if they may be used
"""
