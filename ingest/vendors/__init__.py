"""What is known of one product and is too much for its parser's file: message tables, fields, actions.

In:   a product's own names and numbers
Out:  columns for its parser
May import: `ingest` and `ingest.formats`, no parser
"""
