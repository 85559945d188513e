"""Tests of dialer.metrics."""
