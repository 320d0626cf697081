"""`/`: how the gateway is doing; for whoever is not signed in, the form to do so."""

from admin.base import PageHandler, local_path
from admin.sign_in import show_sign_in


class OverviewHandler(PageHandler):
    """The overview."""

    is_open = True
    section = "overview"

    def get(self) -> None:
        if self.session is None:
            show_sign_in(self, local_path(self.get_query_argument("next", "/")))
            return
        self.show("pages/overview.html", None)

    head = get
