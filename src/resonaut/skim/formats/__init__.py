"""The layouts of input files: each folder is a format, and its ``__init__.py`` says what is known of it."""
