"""The hints of what to install are commands that the running Python's own pip takes."""

import shlex
import sys

from harken.support.installing import install_command


def test_the_running_python_installs_it() -> None:
    assert shlex.split(install_command("aeon")) == [sys.executable, "-m", "pip", "install", "aeon"]


def test_an_extra_reaches_pip_whole_from_any_shell() -> None:
    command = install_command("--upgrade", "harken[serve]")
    assert command.endswith('pip install --upgrade "harken[serve]"')
    assert shlex.split(command)[-1] == "harken[serve]"
