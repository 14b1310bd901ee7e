"""The audit policy of every persistent class: what a change of it must be named by.

The guard in ``store/`` reads this table at each commit and refuses whatever has no policy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeVar

Policy = Literal["subject", "frozen", "structure", "blob", "exempt"]

#: (module, qualified name) -> policy.
#:
#: ``subject``    the object's state has ``subject`` and an event of the transaction names it;
#: ``frozen``     the same, and the object is written once;
#: ``structure``  containers: some event stands in the transaction;
#: ``blob``       written once, beside some event;
#: ``exempt``     not audited: caches of the journal itself.
POLICIES: dict[tuple[str, str], Policy] = {("ZODB.blob", "Blob"): "blob"}

for _family in ("OO", "LO", "IO", "OL", "OI"):
    for _kind in ("BTree", "Bucket", "Set", "TreeSet"):
        POLICIES[f"BTrees.{_family}BTree", f"{_family}{_kind}"] = "structure"
POLICIES["BTrees.Length", "Length"] = "structure"

_C = TypeVar("_C", bound=type)


def audited(policy: Policy) -> Callable[[_C], _C]:
    """Declare the audit policy of a persistent class."""

    def declare(cls: _C) -> _C:
        POLICIES[cls.__module__, cls.__qualname__] = policy
        return cls

    return declare
