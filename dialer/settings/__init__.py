"""What people write becomes frozen values, or all of its problems at once.

    loading.load    config/dialer.yaml + campaigns/*.yaml -> Loaded(settings, campaigns)
    csv_rows        a CSV or JSON-lines file -> ports.ImportRow, or what is wrong with a line
    description     JSON Schema for editors, and the table of docs/campaigns.md

The way of a YAML file: `tree` (text -> plain values with the place of each) -> `validate`
(pydantic models of `daemon_model`, `campaign_model`) -> `daemon`, `campaigns` (frozen values)
-> `crosschecks` (names that point from one file into another).
"""
