"""Server: the live page of a run, for a browser on this computer or a phone, and what keeps it safe.

`app.py` puts it together and serves it; `displays/web.py` feeds it from a run.

Notebook: 11_records
"""
