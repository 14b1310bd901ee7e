"""What can go wrong in an action, in words that the person who acts can use."""

from __future__ import annotations

from collections.abc import Mapping


class Refused(Exception):
    """An action that may not or can't be done now.

    ``message`` is for the person: what is wrong and what to do next. ``code`` is stable, for
    programs. ``fields`` gives messages by field where some field is at fault.
    """

    code = "refused"

    def __init__(self, message: str, *, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.fields = dict(fields or {})


class Forbidden(Refused):
    """The actor's role does not allow this here."""

    code = "forbidden"


class NotFound(Refused):
    """There is no such thing, or not for this actor: the two look the same."""

    code = "not_found"


class NotNow(Refused):
    """The transition is not open in the present state."""

    code = "not_now"


class Stale(Refused):
    """Somebody changed the draft meanwhile; ``current`` is what stands there now."""

    code = "stale"

    def __init__(self, message: str, current: Mapping[str, object], editor: str) -> None:
        super().__init__(message)
        self.current = current
        self.editor = editor


class Invalid(Refused):
    """What was given is incomplete or wrong; see ``fields``."""

    code = "invalid"


class SeparationOfDuties(Forbidden):
    """Author, signers and approver of a revision are different persons."""

    code = "separation_of_duties"


class NeedsReauthentication(Refused):
    """The password must be given again for this action."""

    code = "needs_reauthentication"


class ChecksFailed(Refused):
    """Checks of a transition that did not pass; ``problems`` lists them in order."""

    code = "checks_failed"

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("还不能办这一步：" + "；".join(p.rstrip("。") for p in problems) + "。")
        self.problems = problems
