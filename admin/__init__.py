"""The web face of the control plane. Now: the start page; the panel comes into these rooms."""
