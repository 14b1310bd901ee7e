"""Detectors of personal data and the check before publication."""

from .findings import Detector, Finding
from .scan import scan_fields, table_fields

__all__ = ["Detector", "Finding", "scan_fields", "table_fields"]
