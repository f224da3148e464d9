"""What stands on documents and files that the repository does not carry: `make test-sources`."""
