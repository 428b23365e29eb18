# Test tiers. tests/README.md says what each needs.
include $(wildcard tests/*/build.mk)
