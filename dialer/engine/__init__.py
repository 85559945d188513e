"""Greenlets around the core: gather, call the core once, act. Knows core and ports only."""
