# Its tests share nothing, and most of the time of each is waiting.
PYTEST_FLAGS_service := --dist load
