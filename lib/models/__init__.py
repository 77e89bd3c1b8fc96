"""The networks, one family a file. Each file ends with its `Architecture`; `lib.catalog` finds it."""
