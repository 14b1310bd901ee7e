"""Disclosures: Party affairs, village or residents' affairs and finances (党务、村务、居务、财务)."""
