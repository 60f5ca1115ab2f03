"""Files of boosted trees that are no good (case 67); more of them are with the tests of their compilers."""

from __future__ import annotations

from tests.zoo.animals import Animal, file

_TREE = b"""tree
version=v4
num_class=1
num_tree_per_iteration=1
max_feature_idx=3
objective=regression
feature_names=a b c d
feature_infos=[0:1] [0:1] [0:1] [0:1]

Tree=0
num_leaves=2147483648
num_cat=0
split_feature=0
threshold=nan
leaf_value=1 2

end of trees
"""

ANIMALS = (
    Animal("lightgbm-two-billion-leaves", file("m.txt", _TREE), "source-malformed", ""),
    Animal("lightgbm-just-words", file("m.txt", b"tree\nonce upon a time\n"), "source-malformed", ""),
    Animal("json-of-nobody", file("m.json", b'{"hello": [1, 2, 3]}'), "source-unknown|source-malformed", ""),
    Animal(
        "json-deep", file("m.json", b"[" * 200_000 + b"]" * 200_000), "source-mismatch|source-malformed", ""
    ),
    Animal("xgboost-cut", file("m.ubj", b"{L\x00\x00"), "source-mismatch|source-malformed", ""),
    Animal("catboost-cut", file("m.cbm", b"CBM1\xff\xff\xff\xff"), "source-malformed|library-missing", ""),
)
