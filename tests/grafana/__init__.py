"""Dashboards, rules and runbook: in step, valid for Grafana, and true on a real Prometheus."""
