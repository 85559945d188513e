"""Loaded by `-p tests.patched` before any other plug-in: gevent patches first, as in
service.
"""

from gevent import monkey

monkey.patch_all()
