"""The worked-out case: its files, its tables, and a dialer to hold against them."""
