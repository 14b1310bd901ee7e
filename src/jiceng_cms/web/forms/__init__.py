"""Forms: colander schemas drawn by an overlay of deform's templates that our CSP allows.

Start at :func:`make_form` and :func:`parse_controls`; ``types`` and ``widgets`` are for schemas.
"""

from jiceng_cms.web.forms.controls import BadForm, Limits, Posted, parse_controls
from jiceng_cms.web.forms.form import Button, Form, FormInvalid, Problem, make_form, relaxed

__all__ = [
    "BadForm",
    "Button",
    "Form",
    "FormInvalid",
    "Limits",
    "Posted",
    "Problem",
    "make_form",
    "parse_controls",
    "relaxed",
]
