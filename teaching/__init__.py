"""For teachers: the pages of the teacher's pack, and the grading of a class."""
