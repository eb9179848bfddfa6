"""An unpickler that can make NumPy arrays and Python's plain values, and nothing else.

A pickle is a program. What it can do is decided by the callables it may name: with ``os.system`` among them
it does anything, with those that are admitted here it can build arrays. **harken reads no pickle that a user
may receive from somebody else, through this door or any other**: a crafted one still can claim all memory,
and NumPy crashes on crafted array states. It is for a data file inside an installed package, whose code the
user has trusted already.
"""

import _codecs
import pickle
from typing import Any, BinaryIO

import numpy as np

from harken.support.errors import HarkenError

__all__ = ["ADMITTED", "AdmittingUnpickler", "unpickle_arrays"]

# Taken from an array, because its home was renamed in NumPy 2 and the old name warns.
_RECONSTRUCT: Any = np.empty(0).__reduce__()[0]

ADMITTED: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    # Before protocol 3 a pickle has no bytes: it holds them as Latin-1 text, to be encoded when it is read.
    ("_codecs", "encode"): _codecs.encode,
}
"""The (module, name) pairs that a pickle may name, and what each then gets. No module is ever imported for one."""


class AdmittingUnpickler(pickle.Unpickler):
    """``pickle.Unpickler`` with its one way to the outside closed to all but ``ADMITTED``.

    Persistent identifiers, the other way, are refused by ``pickle.Unpickler`` itself unless a subclass
    defines ``persistent_load``, which this one does not.
    """

    def find_class(self, module: str, name: str, /) -> Any:
        """What the pickle means by ``module`` and ``name``.

        Raises:
            HarkenError: when it is not admitted; the message names it.
        """
        try:
            return ADMITTED[module, name]
        except KeyError:
            raise HarkenError(
                f"a pickle that wants {module}.{name} is refused (only NumPy arrays are admitted), "
                "and nothing of it was executed"
            ) from None


def unpickle_arrays(file: BinaryIO, *, source: str) -> Any:
    """Read one pickle of NumPy arrays, lists, dictionaries, text and numbers from where ``file`` stands.

    Args:
        file: the stream.
        source: what to call it in an error.

    Raises:
        HarkenError: when the pickle wants anything that is not in ``ADMITTED``, is cut short, or is damaged.
    """
    try:
        return AdmittingUnpickler(file).load()
    except HarkenError as error:
        raise HarkenError(f"{source}: {error}") from None
    # A damaged pickle may raise nearly anything, says Python's documentation of UnpicklingError.
    except Exception as error:
        raise HarkenError(f"{source} is damaged or cut short ({type(error).__name__}: {error})") from error
