"""The Lua scripts, one verb per file; each file's head maps its KEYS, ARGV and answer."""

from __future__ import annotations

from importlib.resources import files

import redis
from redis.commands.core import Script

VERBS = ("claim", "clear", "offer", "rebuild", "release", "void")


class Scripts:
    """All scripts, bound to one client: called by digest, loaded where the server forgot."""

    def __init__(self, client: redis.Redis) -> None:
        folder = files("dialer.hopper") / "lua"
        bound = {
            verb: client.register_script((folder / f"{verb}.lua").read_text()) for verb in VERBS
        }
        self.claim: Script = bound["claim"]
        self.clear: Script = bound["clear"]
        self.offer: Script = bound["offer"]
        self.rebuild: Script = bound["rebuild"]
        self.release: Script = bound["release"]
        self.void: Script = bound["void"]
