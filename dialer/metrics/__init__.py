"""What the daemon counts and measures: the names, the meter, the page for Prometheus."""
