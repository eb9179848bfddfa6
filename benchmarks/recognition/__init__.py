"""How well activities are recognised, of whom, and what each part of the method contributes to it."""
