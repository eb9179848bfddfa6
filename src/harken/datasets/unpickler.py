"""An unpickler that is restricted to NumPy arrays and Python's basic values.

A pickle is a program, limited only by the callables that it may use. With ``os.system`` it can do anything; with the
callables admitted here it can only build arrays. **Do not read pickles from other people with this module; harken never
does.** A crafted pickle can still use all memory, and NumPy crashes on crafted array states. The module is for a data
file inside an installed package, whose code the user already trusts.
"""

import _codecs
import pickle
from typing import Any, BinaryIO

import numpy as np

from harken.support.errors import HarkenError

# Taken from an array, because its module was renamed in NumPy 2 and the old name gives a warning.
_RECONSTRUCT: Any = np.empty(0).__reduce__()[0]

ADMITTED: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    # Before protocol 3, pickles store bytes as Latin-1 text, which is encoded when it is read.
    ("_codecs", "encode"): _codecs.encode,
}
"""The (module, name) pairs that a pickle may use, and the object for each. No module is imported for them."""


class AdmittingUnpickler(pickle.Unpickler):
    """A ``pickle.Unpickler`` that only finds the classes and functions in ``ADMITTED``.

    ``pickle.Unpickler`` itself rejects persistent identifiers unless a subclass defines ``persistent_load``. This class
    does not define it.
    """

    def find_class(self, module: str, name: str, /) -> Any:
        """The admitted object for ``module`` and ``name``.

        Raises:
            HarkenError: when the object is not admitted; the message names it.
        """
        try:
            return ADMITTED[module, name]
        except KeyError:
            raise HarkenError(
                f"a pickle that uses {module}.{name} is refused (only NumPy arrays are admitted), "
                "and nothing of it was executed"
            ) from None


def unpickle_arrays(file: BinaryIO, *, source: str) -> Any:
    """Read one pickle of NumPy arrays, lists, dictionaries, text and numbers from the current position of ``file``.

    Args:
        file: the stream.
        source: its name in error messages.

    Raises:
        HarkenError: when the pickle uses an object that is not in ``ADMITTED``, is incomplete, or is damaged.
    """
    try:
        return AdmittingUnpickler(file).load()
    except HarkenError as error:
        raise HarkenError(f"{source}: {error}") from None
    # A damaged pickle may raise almost any exception, according to Python's documentation of UnpicklingError.
    except Exception as error:
        raise HarkenError(f"{source} is damaged or cut short ({type(error).__name__}: {error})") from error
