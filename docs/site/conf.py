"""Settings of Sphinx; `build.py` copies them to the folder from which it builds."""

from pygments.lexers.special import TextLexer

project = "Expression"
extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
extensions += ["myst_nb", "sphinx_copybutton"]
nb_execution_mode = "off"
myst_enable_extensions = ["colon_fence", "dollarmath", "html_image"]
myst_heading_anchors = 4
myst_dmath_double_inline = True
suppress_warnings = ["myst.header", "mystnb.unknown_mime_type", "ref.python", "toc.not_included"]
exclude_patterns = ["downloads"]
html_theme = "furo"
html_title = "Expression"
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_mock_imports = ["picamera2"]
autodoc_default_options = {"members": True, "show-inheritance": True, "exclude-members": "cache_ok"}
autodoc_default_options["ignore-module-all"] = True  # what is defined there, not what is passed on
napoleon_use_ivar = True
highlight_language = "default"


def as_code(app, what, name, object, options, lines):
    """Makes a block that is indented after a blank line a block of code, as it is in Markdown."""
    for at in range(len(lines) - 1, 1, -1):
        first = lines[at].startswith("    ") and not lines[at - 1].strip()
        if first and lines[at - 2].strip() and not lines[at - 2].startswith(" "):
            lines[at - 1 : at] = ["", "::", ""]


def setup(app):
    """Adds what Sphinx lacks: indented code in docstrings, and Mermaid as plain text."""
    app.add_lexer("mermaid", TextLexer)
    app.connect("autodoc-process-docstring", as_code, priority=100)
