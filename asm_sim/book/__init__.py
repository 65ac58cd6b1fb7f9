"""The parameter book: every number of rule, population and comparator, as Markdown or a page."""
