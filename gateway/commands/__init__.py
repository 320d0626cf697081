"""Commands beside serving, a module each; `add_to` gives each its words on the command line."""
