"""The engine with a fake clock; waits on events, never on sleep."""
