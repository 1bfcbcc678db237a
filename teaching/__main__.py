"""Begin here with `python -m teaching teach` or `python -m teaching grade FOLDER`.

A spawned child imports this file before it does anything else, so whatever is heavy is imported
only behind the question below.
"""

if __name__ == "__main__":
    import importlib
    import sys

    command, *arguments = sys.argv[1:]
    sys.exit(importlib.import_module(f"teaching.{command}").main(arguments))
