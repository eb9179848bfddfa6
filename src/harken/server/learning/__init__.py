"""*Learn*: a model from the labelled recordings beside a running server, and the choice of the model to serve.

``learner`` has the state, ``labels`` what there is to learn from, ``process`` the job in a process of its own,
``routes`` the requests, ``saved_models`` the models that can be chosen again, and ``chosen_model`` remembers the
choice. The job itself is ``harken.training.learn``.
"""

__all__: list[str] = []
