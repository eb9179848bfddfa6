"""How the models inside the package are made, and what they recognise."""
