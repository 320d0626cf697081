"""The admin as JSON, for scripts: the control plane under `/api/admin/…`, and a few old addresses."""
