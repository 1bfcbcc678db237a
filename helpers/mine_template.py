"""Your own worker functions. Write them here, save, and import them in any notebook:

    from helpers.mine import double

Why here and not in a cell: a child process started by spawn or forkserver begins as a fresh Python.
It cannot see into your notebook, but it can import this file.

After you changed this file, restart the notebook's kernel, so that it reads the file again. The
course's updates never touch it.
"""

import time


def double(number):
    """Return twice the number, after half a second in which a real task would compute."""
    print(f"Doubling {number} ...")
    time.sleep(0.5)
    return 2 * number
