"""Units, their bodies, persons and roles: who is who, as dated data."""
