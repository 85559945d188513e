"""The folder of recordings: the files of talks, as the daemon's machine sees them."""
