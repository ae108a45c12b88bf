"""What parsers are built from: the forms that many devices write in, and what is the same in all of them.

In:   columns of text (key=value, CSV, CEF, JSON, URLs, flows …)
Out:  columns for a parser to name
May import: `ingest` itself, no parser
"""
