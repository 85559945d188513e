"""A predictive dialer daemon on FreeSWITCH. The house is drawn in docs/architecture.md."""

__version__ = "0.1.0"
