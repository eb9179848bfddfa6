"""How many watches a live server can label at once, and whether each is served beside broken clients."""
