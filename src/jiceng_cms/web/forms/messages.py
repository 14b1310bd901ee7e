"""Puts colander's and deform's messages into the words of a village office.

The libraries speak English, and their own Chinese catalogues say 无效的值. Every message that
can reach a page goes through :func:`in_plain_chinese`; what it doesn't know becomes a general
sentence, so no English is left over.
"""

from __future__ import annotations

import re
from typing import Any, Final

from translationstring import TranslationString

_HAN: Final = re.compile("[\u3400-\u9fff]")
_LATIN: Final = re.compile(r"\W*[A-Za-z]")

#: The library's message id -> our sentence. Names in braces come from the message's mapping;
#: ``title`` is the field's label and ``count`` the length of what was typed.
_SENTENCES: Final[dict[str, str]] = {
    "Shorter than minimum length ${min}": "“{title}”至少要写 {min} 个字，现在是 {count} 个。",
    "Longer than maximum length ${max}": "“{title}”最多 {max} 个字，现在是 {count} 个，请缩短。",
    "${val} is less than minimum value ${min}": "“{title}”不能小于 {min}，填的是 {val}。",
    "${val} is greater than maximum value ${max}": "“{title}”不能大于 {max}，填的是 {val}。",
    '"${val}" is not one of ${choices}': "请从“{title}”列出的几项里选一项。",
    '"${val}" must not be one of ${choices}': "“{title}”不能填“{val}”，请换一个。",
    "One or more of the choices you made was not acceptable": "“{title}”里有一项不在可选范围，请重新勾选。",
    '"${val}" is not a number': "“{title}”要填数字，填的是“{val}”。请只写数字，例如 12。",
    '"${val}" is not a string': "“{title}”要填文字，请重新填写。",
    "${val} is not a string": "“{title}”要填文字，请重新填写。",
    "Invalid date": "看不懂“{title}”里的日期。请写成 2026年9月30日 或 2026-09-30。",
    "Incomplete date": "“{title}”的日期不完整，年、月、日都要写。",
    "Invalid time": "看不懂“{title}”里的时间。请写成 14:30。",
    "Incomplete time": "“{title}”的时间不完整，时和分都要写。",
    "Invalid email address": "“{title}”不像一个电子邮箱地址，请核对，例如 name@example.cn。",
    "Must be a URL": "“{title}”要填网址，以 https:// 开头。",
    "String does not match expected pattern": "“{title}”的写法不对，请按栏目下面的说明填写。",
    "Password did not match confirm": "两次输入的密码不一样，请重新输入。",
    "Fields did not match": "“{title}”两次输入的不一样，请重新输入。",
}

#: The same, for lists of rows: there the length counts rows and not characters.
_ROW_SENTENCES: Final[dict[str, str]] = {
    "Shorter than minimum length ${min}": "“{title}”至少要有 {min} 项，现在是 {count} 项。",
    "Longer than maximum length ${max}": "“{title}”最多 {max} 项，现在是 {count} 项，请删掉一些。",
}


def in_plain_chinese(
    message: object, *, title: str, typed: object = "", chosen: bool = False
) -> str:
    """One sentence that says what is wrong with the field ``title`` and what to do.

    ``typed`` is what the field holds (a text, or a list of rows); ``chosen`` says that the field
    is filled by choosing. A message that is Chinese already comes back as it is.
    """
    text = str(message)
    if isinstance(message, TranslationString):
        source = str(message.default or text)
        mapping: dict[str, Any] = dict(message.mapping or {})
    else:
        source, mapping = text, {}
    if source == "Required":
        return f"请选择“{title}”。" if chosen else f"请填写“{title}”。"
    count = len(typed) if isinstance(typed, str | list | tuple | set) else 0
    sentence = _SENTENCES.get(source)
    if not isinstance(typed, str):
        sentence = _ROW_SENTENCES.get(source, sentence)
    if sentence is not None:
        values = {name: _short(value) for name, value in mapping.items()}
        values.update(title=title, count=str(count))
        return re.sub(r"\{(\w+)\}", lambda m: values.get(m[1], ""), sentence)
    if _HAN.search(source) and not _LATIN.match(source):
        # a sentence of ours; English around somebody's Chinese begins with a letter
        return message.interpolate() if isinstance(message, TranslationString) else text
    return f"“{title}”这一栏填得不对。请按栏目下面的说明核对一遍。"


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 30 else text[:29] + "…"
