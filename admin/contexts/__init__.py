"""What each template is given: frozen dataclasses, one module a page; frame.py has what is around all."""
