"""The checked exercises of the lessons: one file each, `exercise_10_1.py` for number 10.1."""
