"""The app without a browser, for the tests of its pages."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from lib.ui import visitor

ROOT = Path(__file__).parent.parent.parent

# Every AppTest reads the metadata of all installed packages in search of components: once is enough.
manifest_scanner.scan_component_manifests = cache(manifest_scanner.scan_component_manifests)


# An AppTest has no connection, and for its cookies a mock: its visitor is whom a test names by `as_visitor`.
visitor.identify = lambda cookie, address: present[0]
present = ["a visitor"]


@contextmanager
def as_visitor(name: str) -> Iterator[None]:
    """Inside, pages are run by this visitor."""
    present.insert(0, name)
    try:
        yield
    finally:
        present.pop(0)


def open_page(page: str, **parameters: str) -> AppTest:
    """A page of the app, opened by a link with these parameters."""
    app = AppTest.from_file(str(ROOT / "lib/ui/shell.py"), default_timeout=60)
    if "_" in page:  # its address has a dash instead, which is known only after a run
        app.run()
    app.switch_page(f"../../pages/{page}.py")
    for name, value in parameters.items():
        app.query_params[name] = value
    return checked(app.run())


def checked(app: AppTest) -> AppTest:
    """The app, if it shows no exception."""
    assert not app.exception, [error.value for error in app.exception]
    return app


def totals(app: AppTest) -> dict[str, str]:
    """The totals on Explore by their labels."""
    return {metric.label: metric.value for metric in app.metric}


def address(app: AppTest) -> dict[str, str]:
    """The parameters in the address bar."""
    return {name: value[-1] if isinstance(value, list) else value for name, value in dict(app.query_params).items()}
