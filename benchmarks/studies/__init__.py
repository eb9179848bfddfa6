"""The nine studies on which the packaged model is trained: their labels, and scores with whole studies left out."""
