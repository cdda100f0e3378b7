"""Side-by-side measurements: each script prints one table, and the command that makes it again."""
