"""The dashboards of deploy/grafana as values; `tools/make_dashboards.py` writes them."""
