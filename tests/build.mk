# Test tiers. tests/README.md says what each needs.
