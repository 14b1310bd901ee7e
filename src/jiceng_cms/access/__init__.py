"""Who is asking: passwords, sessions, one-time links, and the checks before any of them.

The classes here take plain arguments and know nothing of Pyramid's request, so that the command
line, the tests and the web use the same ones. `jiceng_cms.access.security` (where it stands)
ties them to a request.
"""
