"""Signing in by issuers outside, on a real provider."""
