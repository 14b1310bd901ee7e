"""jiceng_cms."""
