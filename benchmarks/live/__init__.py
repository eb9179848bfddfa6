"""How many watches a live server can label at once, and how it behaves beside broken and hostile clients."""
