"""Server: the live page of a run and the REST interface of its records, and what keeps them safe.

`app.py` puts them together and serves them; `displays/web.py` feeds the page from a run.

Notebook: 16_records
"""
