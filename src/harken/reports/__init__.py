"""Reports, each as one self-contained HTML file.

``run`` is the report of a training run, ``wearer`` that of a recording, ``study`` that of all people of a study.
``figures`` draws their pictures, ``words`` has the ways in which their templates and sentences write a number.
"""
