"""Reports, each as one self-contained HTML file.

``wearer`` is the report of a recording, ``study`` that of all people of a study. The report of a training run stands in
``training``.
``figures`` draws their pictures, ``words`` has the ways in which their templates and sentences write a number.
"""
