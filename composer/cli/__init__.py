"""The shell: one file per noun, each a thin skin over the library."""
