"""Puts the domain together: content types, workflows, checks, rules and calendar."""

from __future__ import annotations

import importlib.resources
from collections.abc import Iterable
from pathlib import Path

from ..core.calendar import default_calendar
from ..core.clock import Clock, SystemClock
from ..core.domain import Domain
from ..core.effects import EFFECTS, SCHEMAS
from ..core.rules import default_register
from ..core.workflow.definition import Vocabulary, load
from .disclosures.checks import CHECKS
from .disclosures.content import DISCLOSURE


def default_workflows() -> Path:
    """The folder of the workflow files that come with the package."""
    return Path(str(importlib.resources.files("jiceng_cms.default_workflows")))


def make_domain(
    *, clock: Clock | None = None, workflow_folders: Iterable[Path] = (), rule_files: Iterable[Path] = ()
) -> Domain:
    """The domain as files say; a site's own folders and files are laid over the default ones.

    Raises DefinitionError, RuleError or CalendarError with the exact place of each fault.
    """
    rules = default_register(tuple(rule_files))
    words = Vocabulary(
        checks=frozenset(CHECKS),
        effects=frozenset(EFFECTS),
        schemas=frozenset(SCHEMAS),
        rules=rules.ids,
    )
    return Domain(
        content_types=[DISCLOSURE],
        definitions=load([default_workflows(), *workflow_folders], words),
        vocabulary=words,
        checks=CHECKS,
        effects=EFFECTS,
        schemas=SCHEMAS,
        rules=rules,
        calendar=default_calendar(),
        clock=clock or SystemClock(),
    )
