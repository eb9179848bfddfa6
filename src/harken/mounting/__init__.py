"""How a watch sits on the arm, and whether it is a wrist at all.

``estimate`` finds the ``Mounting`` (in ``turns``) by walking, by the calm moments in ``forearm``, or as it was stated.
``wrist_check`` finds whether a sensor moved as on a wrist.
"""
