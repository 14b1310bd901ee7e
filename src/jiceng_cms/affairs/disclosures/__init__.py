"""Disclosures: Party affairs, village or residents' affairs and finances (党务、村务、居务、财务)."""

from __future__ import annotations

from typing import Any


def includeme(config: Any) -> None:
    """Offer the presenter of disclosures to the shared pages."""
    from .presenting import DisclosurePresenter  # the worker does without templates

    config.registry.presenters["disclosure"] = DisclosurePresenter()
