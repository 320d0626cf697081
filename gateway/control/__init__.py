"""The control plane: what changes keys, tokens and settings. `admin/` and the CLI are its faces."""
