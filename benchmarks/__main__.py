"""Begin here with `python -m benchmarks`.

A spawned child imports this file before it does anything else. So whatever is heavy is imported
only behind the question below: else each child would load matplotlib, and what the recorder adds
to a start-up would be lost beside that.
"""

if __name__ == "__main__":
    import sys

    from benchmarks.runner import main

    sys.exit(main(sys.argv[1:]))
