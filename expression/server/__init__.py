"""Server: what other programs and browsers get over HTTP; `expression serve` runs it."""
