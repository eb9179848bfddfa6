"""The job of *Learn* on the pages: a model from labelled recordings, its honest test beside the starting model, and
what the recordings cannot show.

``job.learn`` is the job, and ``outcome.Learned`` its result. Only the job needs PyTorch.
"""
