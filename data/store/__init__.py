"""The store: its versions, tables and checks, and the lock of those who write."""
