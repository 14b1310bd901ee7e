"""The places of the demo district, and as many more as a benchmark asks for."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from importlib import resources
from random import Random
from typing import Any

from . import EntitySpec, PlaceSpec

DISTRICT = "990101000000"
SUBDISTRICT = "990101001000"
TOWNSHIP = "990101100000"
#: The two units at which every demo account is able.
FIRST_COMMUNITY = "990101001001"
FIRST_VILLAGE = "990101100201"

HOURS = "周一至周五 8:30—11:30、14:00—17:00；周六上午有人值班"
_PAPER = {
    "village": "写好条子投进村口公示栏旁的意见箱，或者交给组长；不会写字的可以到办公室口述，由值班人员记下、念给您听。",
    "community": "写好条子投进服务站门口的意见箱，或者交给楼组长；不方便出门的，打电话请人上门登记。",
}
_PAPER_ABOVE = "可以寄信或者送到窗口，窗口会给一张收件回执。"
#: First two characters of a code (GB 32100): government, village, community, collective.
_PREFIX = {"village": "54", "community": "55"}

_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_BODY_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)


def load(name: str) -> dict[str, Any]:
    """A TOML file that lies beside this module."""
    return tomllib.loads(resources.files(__package__).joinpath(name).read_text(encoding="utf-8"))


def make_uscc(prefix: str, region: str, serial: int) -> str:
    """A unified social credit code with both check digits right (GB 11714, GB 32100).

    ``prefix`` has 2 characters, ``region`` 6 digits, ``serial`` at most 6 digits.
    """
    body = f"ME{serial:06d}"
    total = sum(w * int(c, 36) for w, c in zip(_BODY_WEIGHTS, body, strict=True))
    body += {10: "X", 11: "0"}.get(11 - total % 11, str(11 - total % 11))
    code = prefix + region + body
    total = sum(w * _ALPHABET.index(c) for w, c in zip(_WEIGHTS, code, strict=True))
    return code + _ALPHABET[(31 - total % 31) % 31]


def initials_of(pinyin: str) -> str:
    """The first letters of syllables: ``shi bang cun`` gives ``sbc``."""
    return "".join(syllable[0] for syllable in pinyin.split())


def places() -> tuple[PlaceSpec, ...]:
    """The district, what is in it, and six villages and communities; parents come first."""
    found = []
    for serial, row in enumerate(load("places.toml")["place"], start=1):
        kind, pinyin = row["kind"], row["pinyin"]
        entity = row.get("entity")
        found.append(
            PlaceSpec(
                code=row["code"],
                kind=kind,
                name=row["name"],
                pinyin=pinyin,
                initials=initials_of(pinyin),
                parent=row.get("parent"),
                office=row["office"],
                phone=row["phone"],
                hours=HOURS,
                ask_on_paper=_PAPER.get(kind, _PAPER_ABOVE),
                uscc=make_uscc(_PREFIX.get(kind, "11"), DISTRICT[:6], serial),
                parts=tuple(row.get("parts", ())),
                entity=EntitySpec(entity, make_uscc("N2", DISTRICT[:6], serial + 500))
                if entity
                else None,
                facts=tuple(row.get("facts", {}).items()),
            )
        )
    return tuple(found)


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    """``杉:shan 枫:feng`` as pairs."""
    return tuple((pair[0], pair[2:]) for pair in text.split())


# Syllables for invented names: a first, a second, sometimes a third before them.
_FIRST = _pairs(
    "杉:shan 枫:feng 槿:jin 蓼:liao 芡:qian 菱:ling 莼:chun 荇:xing 蒲:pu 葭:jia 荻:di 芦:lu"
    " 栎:li 槲:hu 楝:lian 榉:ju 柘:zhe 桤:qi 梓:zi 樟:zhang 鹭:lu 鹤:he 雁:yan 鸥:ou"
    " 鹿:lu 麂:ji 獭:ta 鲤:li 岫:xiu 岚:lan 峪:yu 崖:ya 泷:long 沄:yun 洄:hui 浔:xun"
    " 涧:jian 湄:mei 溇:lou 滘:jiao 砚:yan 砻:long 碓:dui 磬:qing 窑:yao 笕:jian 篁:huang 簖:duan"
)
_SECOND = _pairs(
    "坞:wu 塝:bang 坪:ping 坳:ao 垄:long 坑:keng 塘:tang 圩:wei 埠:bu 墩:dun 岗:gang 岭:ling"
    " 湾:wan 渡:du 沟:gou 洲:zhou 溪:xi 源:yuan 滩:tan 浦:pu 桥:qiao 亭:ting 店:dian 铺:pu"
    " 园:yuan 庄:zhuang 楼:lou 堰:yan 闸:zha 井:jing 林:lin 台:tai"
)
_THIRD = (
    ("", ""),
    ("上", "shang"),
    ("下", "xia"),
    ("东", "dong"),
    ("西", "xi"),
    ("新", "xin"),
    ("老", "lao"),
    ("后", "hou"),
)
#: How many names can be told apart.
NAMES = len(_FIRST) * len(_SECOND) * len(_THIRD)


def _named(index: int) -> tuple[str, str]:
    """Name number ``index`` and its pinyin; different below NAMES."""
    rest, first = divmod(index, len(_FIRST))
    third, second = divmod(rest, len(_SECOND))
    parts = (_FIRST[first], _SECOND[second])
    head = _THIRD[third]
    name = head[0] + parts[0][0] + parts[1][0]
    return name, " ".join(s for s in (head[1], parts[0][1], parts[1][1]) if s)


def many_places(units: int, seed: int) -> Iterator[PlaceSpec]:
    """``units`` villages and communities (three to two) below the demo district, parents first.

    Their codes never meet those of :func:`places`. Raises ValueError above 12,000 units.
    """
    if not 0 <= units <= min(NAMES - 200, 12_000):
        raise ValueError(f"can make 0 to 12000 units, not {units}")
    order = list(range(NAMES))
    Random(f"places-{seed}").shuffle(order)
    names = iter(order)
    per_parent = max(40, -(-units // 150))
    made = 0
    counts = {"village": -(-units * 3 // 5), "community": units - -(-units * 3 // 5)}
    for kind, above, suffix, syllables, start, base in (
        ("village", "township", "镇", "zhen", 101, 200),
        ("community", "subdistrict", "街道", "jie dao", 2, 1),
    ):
        left, number = counts[kind], start
        while left > 0:
            parent = _bulk(
                f"990101{number:03d}000", above, suffix, syllables, DISTRICT, next(names), made
            )
            yield parent
            for child in range(min(left, per_parent)):
                made += 1
                tail, reading = ("村", "cun") if kind == "village" else ("社区", "she qu")
                yield _bulk(
                    parent.code[:9] + f"{base + child:03d}",
                    kind,
                    tail,
                    reading,
                    parent.code,
                    next(names),
                    made,
                )
            left -= per_parent
            number += 1


def _bulk(
    code: str, kind: Any, suffix: str, syllables: str, parent: str, name_index: int, serial: int
) -> PlaceSpec:
    """One made-up place with parts and facts derived from its name."""
    stem, pinyin = _named(name_index)
    name, pinyin = stem + suffix, f"{pinyin} {syllables}"
    committee = kind in _PREFIX
    village = kind == "village"
    return PlaceSpec(
        code=code,
        kind=kind,
        name=name,
        pinyin=pinyin,
        initials=initials_of(pinyin),
        parent=parent,
        office=f"岚汀区{name}办公楼一楼",
        phone=f"0999-555{serial % 10000:04d}",
        hours=HOURS,
        ask_on_paper=_PAPER.get(kind, _PAPER_ABOVE),
        uscc=make_uscc(
            _PREFIX.get(kind, "11"),
            DISTRICT[:6],
            (1000 if committee else 50_000) + int(code[6:9]) + serial * 10,
        ),
        parts=((f"{stem}上组", f"{stem}下组") if village else (f"{stem}苑", f"{stem}里"))
        if committee
        else (),
        entity=EntitySpec(f"{name}股份经济合作社", make_uscc("N2", DISTRICT[:6], 200_000 + serial))
        if village
        else None,
        facts=(
            ("road", f"{stem}路"),
            ("river", f"{stem}溪"),
            ("hill", f"{stem}山"),
            ("water", f"{stem}塘"),
        ),
    )
