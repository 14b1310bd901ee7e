"""Widgets of our forms: deform's, cut to what the overlay can draw, and our own.

deform's field for dates needs a script of its own, its rows need jQuery. These need neither:
rows work by submit buttons, and ``forms.js`` only makes them quicker.
"""

from __future__ import annotations

import weakref
from typing import Any, Final

import colander
from deform import widget

from jiceng_cms.core.tables import Table, TableError, parse_table
from jiceng_cms.web.tables import TableBlock, render_blocks

null: Final = colander.null

#: Rows of a pasted table that the form shows again.
SHOWN: Final = 40

Select = widget.SelectWidget
Radios = widget.RadioChoiceWidget
Checkboxes = widget.CheckboxChoiceWidget
Checkbox = widget.CheckboxWidget
Hidden = widget.HiddenWidget
Password = widget.PasswordWidget
Section = widget.MappingWidget


class TextInput(widget.TextInputWidget):
    """One line of text."""


class TextArea(widget.TextAreaWidget):
    """Several lines; ``rows`` is its height."""

    rows = 6


class MoneyInput(widget.TextInputWidget):
    """An amount in yuan, with the unit beside it."""

    template = "moneyinput"


class DateInput(widget.TextInputWidget):
    """A day. The browser's own calendar, and plain text for what that would not show."""

    template = "dateinput"

    def serialize(self, field: Any, cstruct: Any, **kw: Any) -> str:
        text = "" if cstruct in (null, None) else str(cstruct)
        # <input type=date> shows nothing at all for "9月30日" and would lose it
        iso = len(text) == 10 and text[4] == text[7] == "-" and text.replace("-", "").isdecimal()
        return str(super().serialize(field, text, native=iso or not text, **kw))


class PastedTableInput(widget.TextAreaWidget):
    """A text area for a table copied from a spreadsheet; shows beneath it what was understood."""

    template = "pastedtable"
    rows = 8
    # a first cell that is empty is a leading tab, which stripping would lose with its column
    strip = False

    def serialize(self, field: Any, cstruct: Any, **kw: Any) -> str:
        text = "" if cstruct in (null, None) else str(cstruct)
        table: Table | None = None
        if text.strip():
            try:
                table = parse_table(text)
            except TableError:
                table = None

        def preview(caption: str) -> str:
            assert table is not None
            return str(render_blocks((TableBlock(caption, table.header, table.rows[:SHOWN]),)))

        return str(
            super().serialize(field, text, table=table, shown=SHOWN, preview=preview, **kw)
        )


class FileInput(widget.Widget):
    """A plain file field. A browser never fills it again, so the page says to choose anew."""

    template = "file_upload"
    accept: str | None = None

    def serialize(self, field: Any, cstruct: Any, **kw: Any) -> str:
        values = self.get_template_values(field, cstruct, kw)
        return str(field.renderer(self.template, **values))

    def deserialize(self, field: Any, pstruct: Any) -> Any:
        return pstruct if hasattr(pstruct, "filename") else null


class Rows(widget.SequenceWidget):
    """Any number of like fields, added, moved and removed by buttons.

    ``item`` is what one row is called (表格), ``min_len`` and ``max_len`` its limits. Fewer rows
    than ``min_len`` are drawn as empty ones.
    """

    item = ""
    min_len = 0
    max_len = 200

    def serialize(self, field: Any, cstruct: Any, **kw: Any) -> str:
        if getattr(field, "sequence_fields", None) is None:
            self.make_rows(field)
        prototype = self._row(field, null)
        self._place(field, [prototype])
        self._place(field, field.sequence_fields)
        values = self.get_template_values(field, cstruct, kw)
        values.update(
            rows=field.sequence_fields,
            prototype=prototype,
            item=self.item or field.children[0].title,
            focus=getattr(field, "focus_row", None),
        )
        return str(field.renderer(self.template, **values))

    def deserialize(self, field: Any, pstruct: Any) -> Any:
        try:
            return super().deserialize(field, pstruct)
        finally:
            self._place(field, field.sequence_fields)

    def make_rows(self, field: Any) -> None:
        """Make a field for each stored row, and empty ones up to ``min_len``."""
        cstruct = field.cstruct
        values = [] if cstruct in (null, None) else list(cstruct)
        values += [null] * (self.min_len - len(values))
        field.sequence_fields = [self._row(field, value) for value in values]
        self._place(field, field.sequence_fields)

    def _place(self, field: Any, rows: list[Any]) -> None:
        for number, row in enumerate(rows):
            row.row_index = number
            row._parent = weakref.ref(field)

    def _row(self, field: Any, value: Any) -> Any:
        row = field.children[0].clone()
        if value is not null:
            row.cstruct = value
        return row
