"""The web face of the control plane: pages rendered here, for whoever has the admin's token."""
