# Its tests share nothing, and the slow ones are in one file.
PYTEST_FLAGS_layouts := --dist load
