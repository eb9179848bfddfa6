"""How well the labels of a study are right, from clips that are drawn at random and named by somebody."""
