# Its files differ much in length; what shares a system is marked as a group.
PYTEST_FLAGS_packages := --dist loadgroup
