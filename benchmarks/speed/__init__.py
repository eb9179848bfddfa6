"""How long reading, labelling and training take, and how much memory they need, beside other libraries."""
