"""Files that people attach: what they are, what text they hold, how their pages look.

Whatever looks into a file runs in a process of its own with little memory, little time, no
network and no right to write (:mod:`.extract`, started by :mod:`.sandbox`). The rest of the
program only sees what that process says.
"""
