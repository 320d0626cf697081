"""Grafana's dashboards for the gateway, declared here and written as JSON; beside them Prometheus's rules.

A module each dashboard (`healthy`, `keys`, `google`, `users`), made of `panels`, `tables`, `promql` and
`looks`, put together by `boards`. `python -m grafana` writes `dashboards/*.json`, which Grafana reads.
Nothing of this runs in the gateway.
"""
